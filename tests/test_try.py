from tests.teams import Firm
from practice import seed
async def test_it(firm: Firm) -> None:
    claire = firm.person("Claire")
    rows = seed.portfolio_csv(60)
    rows = rows.replace("Boulangerie Martin", "Boulangerie Martin et Fils")
    rows += "ABC;Société;123456789;Vannes;56000;Vannes;x@y.example\r\nABD;;123456789;Vannes;56000;Vannes;x@y.example\r\n"
    await claire.sends_file("portefeuille.csv", rows.encode("cp1252"))
    await claire.sees("Dossiers à créer")
    print(claire.chat[-1].texts, claire.chat[-1].buttons)
    await claire.clicks("Importer")
    await claire.sees("L’import est terminé")
    print(claire.chat[-1].texts, claire.chat[-1].buttons, len(claire.chat))
