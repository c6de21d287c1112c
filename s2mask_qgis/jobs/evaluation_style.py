"""How the page of an evaluation looks, on screens light and dark and on paper."""

from __future__ import annotations

STYLE = """
:root { color-scheme: light dark; --paper: #ffffff; --card: #f4f6f8; --ink: #1d2733; --soft: #5b6875;
  --line: #dde3e9; --faint: #9aa7b3; --accent: #1668b3; --second: #a0522d; --mark: #d1491b; }
@media (prefers-color-scheme: dark) { :root { --paper: #14191f; --card: #1d242c; --ink: #e6ebf0; --soft: #9fadba;
  --line: #2f3944; --faint: #65727f; --accent: #62aef2; --second: #d99a6c; --mark: #ff8a5b; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, "Segoe UI", "Helvetica Neue", "DejaVu Sans", sans-serif; }
main { max-width: 66rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .5rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .75rem; padding-bottom: .3rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.5rem 0 .5rem; }
.lead { color: var(--soft); font-size: 1.05rem; max-width: 48rem; margin: 0; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(10rem, 1fr)); gap: .75rem; margin: 1.5rem 0 0; }
.tiles div { background: var(--card); border-radius: .5rem; padding: .8rem 1rem; }
.tiles dt { color: var(--soft); font-size: .85rem; }
.tiles dd { margin: 0; font-size: 1.6rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; font-variant-numeric: tabular-nums; }
.compact table { width: auto; min-width: 24rem; }
th, td { text-align: left; padding: .4rem .7rem; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--soft); font-weight: 600; }
.n { text-align: right; white-space: nowrap; }
th.n { white-space: normal; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(19rem, 1fr)); gap: 1.25rem; }
figure { margin: 0; background: var(--card); border-radius: .5rem; padding: 1rem; }
figure svg { display: block; width: 100%; height: auto; color: var(--ink); }
figure svg text { font-family: inherit !important; }
figcaption { color: var(--soft); font-size: .85rem; margin-top: .5rem; }
.origin { display: grid; grid-template-columns: minmax(8rem, max-content) 1fr; gap: .35rem 1.25rem; margin: 0; }
.origin dt { color: var(--soft); }
.origin dd { margin: 0; overflow-wrap: anywhere; }
@media print { :root { color-scheme: light; --paper: #ffffff; --card: #ffffff; --ink: #000000; --soft: #444444;
    --line: #bbbbbb; --faint: #888888; --accent: #0b4f8c; --second: #8a4420; --mark: #b03a12; }
  main { max-width: none; padding: 0; } body { font-size: 10.5pt; }
  h2 { break-after: avoid; } figure, tr, .tiles div { break-inside: avoid; }
  .tiles div, figure { border: 1px solid var(--line); } .wide { overflow: visible; } }
"""
"""The style sheet; figures take its colours by name."""
