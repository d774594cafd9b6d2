r"""The directive ``{optfigure}``: an interactive figure of optimizers at work.

````
```{optfigure} adam-bias
```

```{optfigure}
:name: fig-mine
problem: rosenbrock
optimizers: [{adam: {lr: 0.1}}, sgd]
controls: [lr]
```
````

The argument names a preset; the body is YAML whose entries replace the preset's. Both are explained
in :mod:`optedu.web.figure.configuration` and ``presets.yml``. With the entry ``predict`` the reader
answers a question before the figure moves (:mod:`optedu.web.figure.prediction`). The options are
``:name:``, a label to refer to, ``:caption:`` and ``:alt:``. The figure runs the JavaScript printed
from the rules; in its place stands a picture of the same runs where there is no JavaScript, and in
print.
"""

from __future__ import annotations

import hashlib
import json
import os
import posixpath
import string
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml
from docutils import nodes
from docutils.parsers.rst import directives

from optedu.web import tasks
from optedu.web.figure import script
from optedu.web.figure.configuration import PRESETS, configuration, merged, presets

FOLDER = "optfigure"  # of the assets, under _static; and of the stills, beside the doctrees


class optfigure(nodes.General, nodes.Element):
    """An interactive figure; its one child is the still."""


class OptFigureDirective(tasks.TaskDirective):
    """Check the configuration, draw the still, and make a numbered figure of both."""

    optional_arguments = 1
    option_spec = {
        "name": directives.unchanged,
        "caption": directives.unchanged,
        "alt": directives.unchanged,
    }

    def run(self) -> list[nodes.Node]:
        preset = self.arguments[0] if self.arguments else None
        self.env.note_dependency(str(PRESETS))
        try:
            own = yaml.safe_load("\n".join(self.content)) or {}
            if not isinstance(own, Mapping):
                raise ValueError(f"the body must be YAML like `steps: 50`, got {own!r}")
            options = merged(preset, {**own, **self._written("caption", "alt")})
            config = configuration(options, preset or "")
            asked = self._prediction(options, config)
        except (ValueError, TypeError, yaml.YAMLError) as error:
            raise self.error(f"optfigure {preset or ''}: {error}") from error
        if options.get("free"):
            config["presets"] = {k: configuration(v, k) for k, v in presets().items()}
        caption = options.get("caption") or default_caption(options)
        node = optfigure(config=config, ids=[self._identifier(preset)])
        node += self._still(config, options.get("alt") or caption or config["label"])
        question = None
        if asked is not None:
            config["t"] = 0  # where it waits for the answer
            node["held"] = True
            question = self._question(asked, node["ids"][0])
        if not caption:
            return [_together(question, node)]
        figure = nodes.figure("", node)
        text, messages = self.state.inline_text(caption, self.lineno)
        figure += nodes.caption(caption, "", *text)
        self.set_source_info(figure)
        self.add_name(figure)
        return [_together(question, figure), *messages]

    def _prediction(self, options: Mapping[str, Any], config: dict[str, Any]) -> Any:
        if options.get("predict") is None:
            return None
        # SymPy and the runs: only pages with a prediction pay.
        from optedu.web.figure import prediction

        return prediction.read(options["predict"], config)

    def _question(self, asked: Any, figure: str) -> tasks.task:
        """Return what is asked before the figure, with the truth folded."""
        label = "Predict first"
        data = {"answer": asked.kind, "figure": figure}
        if asked.truth:
            data |= {"truth": json.dumps(asked.truth), "width": repr(asked.width)}
        if asked.control:
            data["control"] = asked.control
        node = tasks.task(
            ids=[nodes.make_id(f"predict-{figure}")], kind="predict", label=label, data=data
        )
        node += nodes.paragraph("", "", nodes.strong("", label), classes=["task-title"])
        node += nodes.container("", *self.blocks(asked.ask, 0), classes=["task-prose"])
        right = ""
        if asked.choices:
            listed = nodes.enumerated_list(enumtype="loweralpha", prefix="(", suffix=")")
            listed["classes"].append("task-choices")
            for letter, one in zip(string.ascii_lowercase, asked.choices, strict=False):
                listed += nodes.list_item("", self.inline(one.text, 0))
                right = f"({letter}) " if one.right else right
            node["data"]["right"] = right.strip(" ()")
            node += listed
        folded = tasks.answers(summary="Show what the figure says")
        truth = tasks.verdict(data={"right": "true"})
        words = self.inline(f"The figure says: {right}{asked.shown.rstrip('.')}.", 0)
        words["classes"].append("task-lead")
        truth.extend([words, *self.blocks(asked.why, 0)])
        folded += truth
        node += folded
        return node

    def _written(self, *names: str) -> dict[str, str]:
        return {name: self.options[name] for name in names if name in self.options}

    def _identifier(self, preset: str | None) -> str:
        """Return an id that stays the same between builds, for links to a state of the figure."""
        label = nodes.make_id(f"opt-{self.options.get('name') or preset or 'figure'}")
        used = self.env.temp_data.setdefault("optfigure_ids", {})
        used[label] = used.get(label, 0) + 1
        return label if used[label] == 1 else f"{label}-{used[label]}"

    def _still(self, config: dict[str, Any], alt: str) -> nodes.image:
        # Matplotlib takes a second to import: only pages with figures pay.
        from optedu.web.figure import still

        folder = Path(self.env.doctreedir).parent / FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        drawn = {k: v for k, v in config.items() if k not in ("presets", "free")}
        digest = hashlib.sha256(json.dumps(drawn, sort_keys=True).encode()).hexdigest()[:16]
        path = folder / f"{config['preset'] or 'figure'}-{digest}.png"
        width, height = still.draw(config, path)
        uri = "/" + os.path.relpath(path, self.env.srcdir).replace(os.sep, "/")
        return nodes.image(uri=uri, alt=alt, shown=(width, height))


def _together(question: nodes.Node | None, figure: nodes.Node) -> nodes.Node:
    """Return a figure with what is asked before it; on a phone the picture stands first."""
    if question is None:
        return figure
    return nodes.container("", question, figure, classes=["optedu-predicted"])


def default_caption(options: Mapping[str, Any]) -> str:
    if options.get("free") or not options.get("title"):
        return ""
    return f"**{options['title']}.** {options.get('text', '')}".strip()


def visit_html(translator: Any, node: optfigure) -> None:
    builder = translator.builder
    (image,) = node.children
    width, height = image["shown"]
    source = posixpath.join(builder.imgpath, quote(builder.images[image["uri"]]))
    kinds = {"of-free": node["config"].get("free"), "of-held": node.get("held")}
    names = " ".join(name for name, is_so in kinds.items() if is_so)
    kind = f' class="{names}"' if names else ""
    # "</" would end the script element early.
    data = json.dumps(node["config"], ensure_ascii=False).replace("</", "<\\/")
    translator.body.append(
        f'<opt-figure id="{node["ids"][0]}"{kind}>'
        f'<script type="application/json">{data}</script>'
        f'<img src="{source}" alt="{translator.attval(image["alt"])}" width="{width}" '
        f'height="{height}" loading="lazy"></opt-figure>\n'
    )
    raise nodes.SkipNode


def write_assets(app: Any) -> None:
    """Put the scripts, the printed module among them, where the pages load them."""
    if app.builder.format != "html":
        return
    target = Path(app.outdir) / "_static" / FOLDER
    target.mkdir(parents=True, exist_ok=True)
    for name, text in script.assets().items():
        (target / name).write_text(text, encoding="utf-8")


def add_assets(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Load the script and the style on pages that hold a figure, and nowhere else."""
    if doctree is None or not any(doctree.findall(optfigure)):
        return
    app.add_css_file(f"{FOLDER}/figure.css")
    app.add_js_file(f"{FOLDER}/figure.js", type="module")


def setup(app: Any) -> dict[str, Any]:
    app.setup_extension("optedu.web.tasks")
    app.add_node(optfigure, html=(visit_html, None), **tasks.OTHER)
    app.add_directive("optfigure", OptFigureDirective)
    app.connect("builder-inited", write_assets)
    app.connect("html-page-context", add_assets)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
