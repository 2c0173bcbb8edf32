"""The practice page in a real browser, driven by what a person sees: one `Column` per persona.

page = await PracticePage.open(browser, url)
claire = page.column("Administrateur")
await claire.writes("inviter")
await claire.clicks("Inviter un entrepreneur")
await claire.fills({"Nom": "Martin", "Qualité": "Direction TPE"})
"""

import re
from collections.abc import Mapping
from typing import Literal, Self

from playwright.async_api import Browser, FilePayload, Locator, Page, expect

Role = Literal["Administrateur", "Collaborateur", "Entrepreneur"]
Tab = Literal["Général", "Conversation", "Courrier"]

CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
"""Arguments for a Chromium in a container, silent on the network."""
PATIENCE = 10_000.0  # milliseconds


def loosely(text: str, *, whole: bool = True) -> re.Pattern[str]:
    """`text` with any kind of space and apostrophe; `whole`: and nothing around but space and a required input's star."""
    pattern = re.sub("['’]", "['’]", re.escape(text)).replace(r"\ ", r"[\s\u00a0\u202f]+")
    return re.compile(rf"^\s*{pattern}\s*\*?\s*$" if whole else pattern)


class PracticePage:
    """The page, open and live. `page` is Playwright's, `problems` what the browser complained of."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.problems: list[str] = []
        page.on("pageerror", lambda error: self.problems.append(str(error)))

    @classmethod
    async def open(
        cls, browser: Browser, url: str, *, width: int = 1440, height: int = 900, dark: bool = False
    ) -> Self:
        """Open `url` in a context of its own; sizes in CSS pixels."""
        context = await browser.new_context(
            viewport={"width": width, "height": height},
            locale="fr-FR",
            color_scheme="dark" if dark else "light",
        )
        opened = cls(await context.new_page())
        await opened.page.goto(url)
        await opened.page.locator("body[data-ready]").wait_for()
        return opened

    async def close(self) -> None:
        await self.page.context.close()

    def column(self, role: Role) -> "Column":
        return Column(self.page.get_by_role("region", name=role, exact=True))

    async def overflow(self) -> int:
        """CSS pixels by which the widest card or pane scrolls sideways: 0 is what is wanted."""
        measured: int = await self.page.evaluate(
            """() => Math.max(0, ...[...document.querySelectorAll(".pane, .scroll, .card, .task, .reading")]
                 .map((one) => one.scrollWidth - one.clientWidth))"""
        )
        return measured


class Column:
    """One person's Teams on the page."""

    def __init__(self, root: Locator) -> None:
        self.root = root

    @property
    def dialog(self) -> Locator:
        """The dialog open over this column (none: a locator of nothing)."""
        return self.root.get_by_role("dialog")

    async def shows(self, tab: Tab) -> None:
        await self.root.get_by_role("tab", name=loosely_tab(tab)).click()

    async def writes(self, text: str) -> None:
        """Write in the tab shown: "Général" (with the mention) or the 1:1 conversation."""
        box = self.root.locator(".pane:not([hidden]) .compose input")
        await box.fill(text)
        await box.press("Enter")

    async def attaches(self, name: str, content: bytes) -> None:
        """Attach a file in the 1:1 conversation shown."""
        async with self.root.page.expect_file_chooser() as chosen:
            await self.clicks("Joindre un fichier")
        await (await chosen.value).set_files(FilePayload(name=name, mimeType="text/csv", buffer=content))

    async def clicks(self, title: str) -> None:
        """Press the newest button (or link button) of that title, in the dialog where one is open."""
        where, name = self._where, loosely(title)
        button = where.get_by_role("button", name=name).or_(where.get_by_role("link", name=name))
        await button.last.click(timeout=PATIENCE)

    async def fills(self, values: Mapping[str, str | bool]) -> None:
        """By label: type, choose by title (what follows « — » may be left out), tick or untick by the toggle's title."""
        for label, value in values.items():
            if isinstance(value, bool):
                await self._where.get_by_role("checkbox", name=loosely(label, whole=False)).last.set_checked(value)
            else:
                await self._fill(label, value)

    async def searches(self, label: str, text: str) -> list[str]:
        """Type in a typeahead; gives the rows it shows."""
        field = await self._labelled(label)
        await field.fill(text)
        rows = self.root.locator(".ac-choiceSetInput-filtered-dropdown-open .ac-choiceSetInput-choice")
        await rows.first.wait_for(timeout=PATIENCE)
        return await rows.all_inner_texts()

    async def picks(self, title: str) -> None:
        rows = self.root.locator(".ac-choiceSetInput-filtered-dropdown-open .ac-choiceSetInput-choice")
        await rows.filter(has_text=loosely(title, whole=False)).first.click(timeout=PATIENCE)

    async def sees(self, *texts: str) -> None:
        """Each text comes to stand somewhere visible in this column: cards, dialog, toasts; not inside the open mail."""
        for text in texts:
            found = self.root.get_by_text(loosely(text, whole=False)).filter(visible=True)
            await expect(found.first).to_be_visible(timeout=PATIENCE)

    async def sees_no(self, *texts: str) -> None:
        for text in texts:
            await expect(self.root.get_by_text(loosely(text, whole=False)).filter(visible=True)).to_have_count(0)

    async def reads(self, subject: str) -> None:
        """Open the newest mail of that subject."""
        await self.shows("Courrier")
        await (
            self.root.locator(".mails")
            .get_by_role("button")
            .filter(has_text=loosely(subject, whole=False))
            .first.click(timeout=PATIENCE)
        )

    async def follows(self, link: str) -> None:
        """Click a link of the open mail."""
        mail = self.root.frame_locator("iframe")
        await mail.get_by_role("link", name=loosely(link, whole=False)).first.click(timeout=PATIENCE)

    async def mail_says(self, *texts: str) -> None:
        """The open mail says each text."""
        for text in texts:
            found = self.root.frame_locator("iframe").get_by_text(loosely(text, whole=False)).first
            await expect(found).to_be_visible(timeout=PATIENCE)

    @property
    def _where(self) -> Locator:
        """The open dialog, else the tab shown: whichever it is when Playwright looks."""
        return self.root.locator("dialog[open], .body:not([inert]) > .pane:not([hidden])")

    async def _labelled(self, label: str) -> Locator:
        named = self._where.locator("label").filter(has_text=loosely(label)).last
        name = await named.get_attribute("for", timeout=PATIENCE)
        return self._where.locator(f'[id="{name}"]')

    async def _fill(self, label: str, value: str) -> None:
        field = await self._labelled(label)
        begun = re.compile(loosely(value, whole=False).pattern.join((r"^\s*", r"(\s+—|\s*$)")))
        match await field.evaluate("element => element.tagName"):
            case "SELECT":
                option = await field.locator("option").filter(has_text=begun).first.get_attribute("value")
                await field.select_option(value=option)
            case "INPUT" | "TEXTAREA":
                await field.fill(value)
            case _:
                await field.locator("> div").filter(has_text=begun).locator("input").first.check()


def loosely_tab(tab: Tab) -> re.Pattern[str]:
    """A tab's name, whatever its badge counts."""
    return re.compile(rf"^{tab}")
