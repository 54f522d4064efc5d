/** The report's style sheet. Colours are pairs of light and dark; text on any of them has a contrast of at least 4.5. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #f4f6f9; --card: #ffffff; --line: #d8dee6; --text: #18212c; --muted: #55616f; --accent: #2f5bd0;
  --good: #14713f; --good-back: #dcf3e5; --bad: #b01c2e; --bad-back: #fde3e5;
  --warn: #84520a; --warn-back: #fcecd0; --quiet: #4e5967; --quiet-back: #e8ecf1;
  --bar-height: 0px;
  font: 15px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", sans-serif;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #10151c; --card: #18202a; --line: #2e3947; --text: #e7edf4; --muted: #a3b0bf; --accent: #8fb0ff;
    --good: #7ddba3; --good-back: #14382a; --bad: #ff9ba4; --bad-back: #46202a;
    --warn: #f3c277; --warn-back: #3f2f14; --quiet: #b5c0cd; --quiet-back: #2a3440;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body { margin: 0; background: var(--page); color: var(--text); overflow-wrap: anywhere; }
header, main, footer { max-width: 84rem; margin: 0 auto; padding: 0 1.5rem; }
header { padding-top: 2rem; }
footer { padding-bottom: 2rem; color: var(--muted); }
h1 { margin: 0; font-size: 2rem; line-height: 1.2; letter-spacing: -.02em; }
h2 { margin: 0 0 .75rem; font-size: 1.2rem; }
.product { margin: 0; color: var(--accent); font-weight: 700; letter-spacing: .04em; }
.scope { margin: .4rem 0 1.2rem; color: var(--muted); }
.scope strong { color: var(--text); font-weight: 600; }
section { background: var(--card); border: 1px solid var(--line); border-radius: .75rem; padding: 1.25rem; margin: 0 0 1.25rem; scroll-margin-top: calc(var(--bar-height) + .5rem); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: .25rem; }
.skip { position: absolute; left: -100vw; background: var(--card); color: var(--accent); padding: .5rem 1rem; z-index: 9; }
.skip:focus { left: .5rem; top: .5rem; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
code, pre { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: .86em; }

.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .75rem; margin: 0 0 1rem; }
.figures div { display: flex; flex-direction: column-reverse; justify-content: flex-end; padding: .7rem .9rem; border-radius: .6rem; background: var(--page); border: 1px solid var(--line); }
.figures dt { color: var(--muted); line-height: 1.3; }
.figures dd { margin: 0; font-size: 1.8rem; font-weight: 650; line-height: 1.2; font-variant-numeric: tabular-nums; }
.figures .good dd { color: var(--good); } .figures .bad dd { color: var(--bad); } .figures .warn dd { color: var(--warn); }
.bar { display: block; width: 100%; height: .75rem; border-radius: .4rem; overflow: hidden; }
rect.good { fill: var(--good); } rect.bad { fill: var(--bad); } rect.warn { fill: var(--warn); } rect.quiet { fill: var(--quiet); opacity: .6; }
.legend { display: grid; grid-template-columns: repeat(2, max-content max-content minmax(0, 1fr)); gap: .4rem .75rem; margin: 1rem 0 0; padding: 0; list-style: none; }
.legend li { display: grid; grid-column: span 3; grid-template-columns: subgrid; align-items: baseline; }
.legend .badge { justify-self: start; }
.legend .number { font-weight: 650; font-variant-numeric: tabular-nums; text-align: right; }
.meaning, .tenant, .since { color: var(--muted); }

.badge { display: inline-block; padding: .05rem .55rem; border-radius: 1rem; font-size: .88em; font-weight: 600; white-space: nowrap; }
.badge.good { color: var(--good); background: var(--good-back); } .badge.bad { color: var(--bad); background: var(--bad-back); }
.badge.warn { color: var(--warn); background: var(--warn-back); } .badge.quiet { color: var(--quiet); background: var(--quiet-back); }
.verb { display: inline-block; padding: 0 .4rem; border-radius: .3rem; color: var(--bad); background: var(--bad-back); }
.all-well { margin: 0; color: var(--good); font-weight: 600; }

form { position: sticky; top: 0; z-index: 3; display: flex; flex-wrap: wrap; align-items: end; gap: .6rem 1rem; margin: 0 0 1.25rem; padding: .75rem 1.25rem; background: var(--card); border: 1px solid var(--line); border-radius: .75rem; box-shadow: 0 4px 14px rgb(0 0 0 / .08); }
label { display: grid; gap: .15rem; color: var(--muted); font-size: .88em; }
select, input, button { font: inherit; font-size: .95rem; color: var(--text); background: var(--page); border: 1px solid var(--muted); border-radius: .4rem; padding: .35rem .6rem; min-height: 2.3rem; }
select, input { min-width: 11rem; max-width: 20rem; }
button { cursor: pointer; }
button:hover { border-color: var(--accent); color: var(--accent); }
output { margin-left: auto; padding: .4rem 0; color: var(--muted); font-variant-numeric: tabular-nums; }

caption { text-align: left; color: var(--muted); padding: 0 0 .5rem; }
.list, .list caption { display: block; width: 100%; }
.list thead, .list tbody { display: block; }
.list thead { position: sticky; top: var(--bar-height); z-index: 2; background: var(--card); color: var(--muted); font-size: .85em; }
.list tr { display: grid; grid-template-columns: minmax(0, 2.2fr) minmax(0, 1.3fr) minmax(0, 1.6fr) 12.2rem 10rem minmax(0, 2.8fr); gap: .1rem 1rem; padding: .5rem .25rem; border-bottom: 1px solid var(--line); }
.list th, .list td { padding: 0; text-align: left; font-weight: 400; }
.list th[scope="row"], .target { font-weight: 600; }
.list th .tenant { font-weight: 400; }
.list thead th { font-weight: 600; }
.since { font-size: .92em; font-variant-numeric: tabular-nums; white-space: nowrap; }
/* What is not on the screen is not laid out: --rows tells how tall it is taken to be. */
.list tbody.full { content-visibility: auto; contain-intrinsic-block-size: calc(var(--rows, 50) * 2.5rem); }
.refusals tbody.full { contain-intrinsic-block-size: calc(var(--rows, 50) * 5.9rem); }
.refusals thead th:last-child { position: absolute; left: -100vw; }
.message { display: block; margin: 0; color: var(--muted); font-size: .92em; }
.remedy { grid-column: 1 / -1; display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: .1rem 1rem; align-items: start; }
.remedy .message { grid-column: 1; }
.remedy .copy { grid-column: 2; grid-row: 1 / span 2; white-space: nowrap; }
.remedy details { grid-column: 1; }
summary { cursor: pointer; color: var(--accent); font-size: .92em; width: fit-content; }
pre { margin: .5rem 0; padding: .8rem 1rem; max-height: 26rem; overflow: auto; overflow-wrap: normal; background: var(--page); border: 1px solid var(--line); border-radius: .5rem; line-height: 1.4; }

.scroller { width: fit-content; max-width: 100%; max-height: 34rem; overflow: auto; border: 1px solid var(--line); border-radius: .5rem; }
.scroller.large { content-visibility: auto; contain-intrinsic-size: auto 60rem auto 34rem; }
#matrix { border-collapse: separate; border-spacing: 0; }
.note { margin: 0 0 .6rem; color: var(--muted); }
#matrix thead > tr > * { position: sticky; top: 0; z-index: 1; vertical-align: bottom; background: var(--card); border-bottom: 1px solid var(--line); }
#matrix tbody th { position: sticky; left: 0; z-index: 1; background: var(--card); text-align: left; font-weight: 500; white-space: nowrap; max-width: 22rem; overflow: hidden; text-overflow: ellipsis; padding: 0 .75rem; border-right: 1px solid var(--line); }
#matrix thead th:first-child { left: 0; z-index: 2; border-right: 1px solid var(--line); }
#matrix thead th + th span { display: block; writing-mode: vertical-rl; rotate: 180deg; max-height: 12rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; font-weight: 500; padding: .4rem 0; margin: 0 auto; }
#matrix tbody td { min-width: 1.9rem; height: 1.7rem; padding: 0; text-align: center; font-weight: 700; border: solid var(--card); border-width: 1px; border-radius: .35rem; }
#matrix td.good { color: var(--good); background: var(--good-back); } #matrix td.bad { color: var(--bad); background: var(--bad-back); }
#matrix td.warn { color: var(--warn); background: var(--warn-back); } #matrix td.quiet { color: var(--quiet); background: var(--quiet-back); }
#matrix td.dim { opacity: .25; }

@media (max-width: 60rem) {
  header, main, footer { padding-left: .75rem; padding-right: .75rem; }
  .list thead { position: static; }
  .list thead tr { display: none; }
  .list tr { display: flex; flex-wrap: wrap; align-items: baseline; gap: .15rem .75rem; }
  .list th[scope="row"], .remedy { flex: 0 0 100%; }
  /* Words for the headings that have no room. */
  .account::before { content: 'as '; color: var(--muted); }
  .target::before { content: 'in '; color: var(--muted); font-weight: 400; }
  .legend, .legend li { display: block; }
  form { position: static; }
}
@media (max-width: 40rem) {
  .remedy { display: block; }
  .remedy .copy { margin-top: .4rem; }
}
@media print {
  /* Paper is white, whatever the screen is. */
  :root { color-scheme: light; --page: #fff; --card: #fff; --line: #bbb; --text: #000; --muted: #444; --accent: #000; --good: #14713f; --bad: #b01c2e; --warn: #84520a; --quiet: #4e5967; --good-back: #fff; --bad-back: #fff; --warn-back: #fff; --quiet-back: #fff; font-size: 10pt; }
  .figures dt { font-size: 8.5pt; }
  .legend, .legend li { display: block; }
  form, .copy, summary, .skip { display: none !important; }
  header, main, footer { max-width: none; padding: 0; }
  section { border: 0; padding: 0; }
  h2 { break-after: avoid; }
  .list { display: table; table-layout: fixed; border-collapse: collapse; font-size: 9pt; }
  .list thead th:nth-child(1) { width: 22%; } .list thead th:nth-child(2) { width: 13%; } .list thead th:nth-child(3) { width: 15%; }
  .list thead th:nth-child(4) { width: 14%; } .list thead th:nth-child(5) { width: 11%; }
  .refusals thead th:nth-child(1) { width: 19%; } .refusals thead th:nth-child(4) { width: 10%; } .refusals thead th:nth-child(6) { width: 10%; }
  .badge, .since { white-space: normal; padding: 0; }
  .list caption { display: table-caption; }
  .list thead { display: table-header-group; position: static; }
  .list thead tr { display: table-row; }
  .list tbody, .list tbody.full { display: table-row-group; content-visibility: visible; }
  .list tr { display: table-row; break-inside: avoid; }
  .list th, .list td { display: table-cell; padding: .3rem .5rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
  .refusals thead th:last-child { position: static; }
  .scroller, .scroller.large { max-height: none; overflow: visible; border: 0; content-visibility: visible; }
  .account::before, .target::before { content: none; }
  .remedy { display: table-cell; }
  #matrix * { position: static; }
}
`;
