r"""The scripts of the drawings that move, as a page carries them."""

from __future__ import annotations

from importlib import resources

__all__ = ["script"]


def script(name: str) -> str:
    r"""Return a script of this folder, with what those that play share.

    Both stand in one function, so that a page with several drawings keeps its own names.

    Parameters
    ----------
    name : str
        Of the file, without its end.

    Returns
    -------
    str

    Examples
    --------
    >>> script("movement").count("function playing(")
    1
    """
    shared, own = (
        resources.files(__package__).joinpath(f"{file}.js").read_text(encoding="utf-8")
        for file in ("playing", name)
    )
    return f"(() => {{\n{shared}\n{own}}})();"
