"""Lists shown page by page."""


def page_of(wanted: int, total: int, size: int) -> tuple[int, int]:
    """The page to show, from 1, and how many there are (at least one); beyond the last one it is the last one."""
    pages = max(1, -(-total // size))
    return min(max(wanted, 1), pages), pages
