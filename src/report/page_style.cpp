#include "report/page_style.hpp"

namespace deepmoe {

const char* const page_style = R"css(
:root { color-scheme: light dark; --page: #f6f6f4; --card: #ffffff; --ink: #14140f; --soft: #55544e; --rule: #dcdbd5;
  --grid: #ebeae5; --one: #2a78d6; --two: #d95f1e; --three: #1b9a6e; --track: #ebeae5; --heat: #3182d8;
  --class-0: #2a78d6; --class-1: #eb6834; --class-2: #1baf7a; --class-3: #eda100; --class-4: #e87ba4;
  --class-5: #008300; --class-6: #4a3aa7; --class-7: #e34948; --class-8: #8d6e63; --class-9: #7a7a78; }
@media (prefers-color-scheme: dark) {
  :root { --page: #121211; --card: #1c1c1a; --ink: #f4f3ee; --soft: #b9b8b0; --rule: #3a3a36; --grid: #2b2b28;
    --one: #4c97ec; --two: #ee7d45; --three: #35bd8c; --track: #2e2e2b;
    --class-0: #3987e5; --class-1: #d95926; --class-2: #199e70; --class-3: #c98500; --class-4: #d55181;
    --class-5: #35a835; --class-6: #9085e9; --class-7: #e66767; --class-8: #b08d80; --class-9: #a3a3a0; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 20px 12px 48px; background: var(--page); color: var(--ink);
  font: 14px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; overflow-wrap: anywhere; }
main, header { max-width: 1240px; margin: 0 auto; }
h1 { font-size: 22px; line-height: 1.25; margin: 0 0 4px; }
h2 { font-size: 17px; margin: 32px 0 10px; }
h3 { font-size: 13px; margin: 0 0 8px; }
p { margin: 0 0 10px; }
header p, .context, figcaption, .remark, .label { color: var(--soft); }
figcaption, .context, .remark { font-size: 11.5px; }
figcaption { margin-top: 6px; }
nav { display: flex; flex-wrap: wrap; gap: 2px 14px; margin-top: 8px; font-size: 13px; }
a { color: var(--one); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(168px, 1fr)); gap: 10px; margin: 16px 0; }
.tile, .card, .advice { background: var(--card); border: 1px solid var(--rule); border-radius: 8px; }
.tile { padding: 10px 12px; }
.tile .value { font-size: 25px; font-weight: 600; line-height: 1.25; }
.advice { margin: 0 0 10px; padding: 12px 14px 6px 30px; }
.advice li { margin-bottom: 8px; }
pre { margin: 6px 0; padding: 8px 10px; background: var(--page); border: 1px solid var(--rule); border-radius: 6px;
  white-space: pre-wrap; }
code { font: 12.5px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
.card { margin: 0; padding: 12px; min-width: 0; break-inside: avoid; }
section > .card { margin-bottom: 12px; }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(376px, 100%), 1fr)); gap: 12px;
  align-items: start; }
.grid.small { grid-template-columns: repeat(auto-fill, minmax(min(276px, 100%), 1fr)); }
svg { display: block; max-width: 100%; height: auto; }
svg text { font-size: 11px; fill: var(--soft); }
svg .small { font-size: 10px; }
svg .name { fill: var(--ink); }
svg .cell { font-size: 9.5px; fill: var(--ink); pointer-events: none; }
svg .strong { fill: #ffffff; }
svg .grid { stroke: var(--grid); }
svg .axis { stroke: var(--soft); }
svg .frame { fill: none; stroke: var(--rule); pointer-events: none; }
svg .bar { fill: var(--one); }
svg .bar:hover, svg .dot:hover, svg .point:hover { fill: var(--two); }
svg .reference { stroke: var(--ink); stroke-dasharray: 4 3; stroke-width: 1.3; pointer-events: none; }
svg .curve { fill: none; stroke-width: 1.8; }
svg .curve.one { stroke: var(--one); } svg .curve.two { stroke: var(--two); } svg .curve.three { stroke: var(--three); }
svg .dot.one { fill: var(--one); } svg .dot.two { fill: var(--two); } svg .dot.three { fill: var(--three); }
svg .point { fill-opacity: .75; }
svg .map { image-rendering: pixelated; cursor: crosshair; }
svg .ramp { fill: url(#ramp); }
.defined { position: absolute; width: 0; height: 0; }
.legend { display: flex; flex-wrap: wrap; gap: 2px 12px; margin: 4px 0 0; font-size: 12px; color: var(--soft); }
.legend i { display: inline-block; width: 10px; height: 10px; border-radius: 3px; margin-right: 5px; }
.legend i.one { background: var(--one); } .legend i.two { background: var(--two); }
.legend i.three { background: var(--three); }
.legend .hues { align-self: center; width: 120px; height: 10px; border-radius: 3px; background: linear-gradient(90deg,
  hsl(0 65% 52%), hsl(66 65% 52%), hsl(132 65% 52%), hsl(198 65% 52%), hsl(264 65% 52%), hsl(330 65% 52%)); }
table { border-collapse: collapse; width: 100%; font-size: 12.5px; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 3px 8px; border-bottom: 1px solid var(--grid); vertical-align: top; }
thead th { color: var(--soft); font-weight: 500; vertical-align: bottom; overflow-wrap: normal; }
th, td { white-space: nowrap; overflow-wrap: normal; }
thead th { white-space: normal; }
th.text, td.text { text-align: left; white-space: normal; overflow-wrap: anywhere; min-width: 84px; }
th:first-child, td:first-child { padding-left: 0; }
th:last-child, td:last-child { padding-right: 0; }
tbody th { font-weight: 500; }
td.bar, th.bar { min-width: 190px; text-align: left; }
td.bar { white-space: nowrap; }
.track { display: inline-block; width: calc(100% - 54px); height: 10px; background: var(--track); border-radius: 3px;
  overflow: hidden; }
.fill { display: block; height: 100%; background: var(--one); }
.number { display: inline-block; width: 46px; margin-left: 8px; text-align: right; }
details summary { cursor: pointer; color: var(--soft); margin-top: 6px; }
details p { margin-top: 6px; color: var(--soft); }
#tip { position: fixed; z-index: 9; display: none; max-width: 320px; padding: 5px 8px; border-radius: 5px; font-size: 12px;
  background: var(--ink); color: var(--card); pointer-events: none; }
@media screen and (max-width: 760px) {
  thead { display: none; }
  table, tbody { display: block; }
  tr { display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: 0 14px; padding: 6px 0;
    border-bottom: 1px solid var(--rule); }
  tbody th, td, td.text { display: flex; justify-content: space-between; gap: 8px; border: 0; padding: 1px 0; }
  tbody th, td.text, td.bar { grid-column: 1 / -1; }
  td.text { font-weight: 500; text-align: right; }
  td.text::before { flex: none; }
  td.text:first-child { text-align: left; }
  td.text:first-child::before { content: none; }
  td::before { content: attr(data-label); color: var(--soft); font-weight: 400; white-space: normal; text-align: left; }
  td.bar::before { content: none; }
  td.bar { align-items: center; } }
@media print {
  :root { color-scheme: light; --page: #ffffff; --card: #ffffff; --ink: #000000; --soft: #444444; --rule: #bbbbbb;
    --grid: #dddddd; --track: #e6e6e6; --one: #2a78d6; --two: #d95f1e; --three: #1b9a6e; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  body { padding: 0; font-size: 11px; }
  nav, #tip { display: none; }
  h2 { break-after: avoid; }
  tr { break-inside: avoid; }
  .card.wide { break-inside: auto; }
  table { font-size: 9.5px; }
  th, td { padding: 2px 4px; }
  td.bar, th.bar, tbody th { min-width: 120px; }
  .grid { grid-template-columns: repeat(auto-fill, minmax(330px, 1fr)); }
  .grid.small { grid-template-columns: repeat(auto-fill, minmax(220px, 1fr)); } }
)css";

const char* const page_script = R"js(
const tip = document.getElementById("tip"), planes = new WeakMap();
function plane(image) {
  if (!planes.has(image)) {
    const source = new Image(), made = { data: null };
    source.onload = () => {
      const canvas = document.createElement("canvas");
      canvas.width = source.naturalWidth; canvas.height = source.naturalHeight;
      const context = canvas.getContext("2d", { willReadFrequently: true });
      context.drawImage(source, 0, 0);
      made.data = context.getImageData(0, 0, canvas.width, canvas.height).data;
    };
    source.src = image.getAttribute("href");
    planes.set(image, made);
  }
  return planes.get(image).data;
}
function place(number, step, word, named) {
  const name = i => named && i < names.length ? names[i] : String(i);
  const first = number * step;
  return step > 1 ? word + " " + name(first) + " and " + (step - 1) + " more" : word + " " + name(first);
}
function tell(event) {
  const image = event.target, about = image.dataset, box = image.getBoundingClientRect();
  const row = Math.min(about.rows - 1, Math.max(0, Math.floor((event.clientY - box.top) / box.height * about.rows)));
  const column = Math.min(about.columns - 1,
    Math.max(0, Math.floor((event.clientX - box.left) / box.width * about.columns)));
  const data = plane(image);
  if (!data) return;
  const share = data[4 * (row * about.columns + column) + 3] / 255;
  tip.textContent = place(row, +about.rowStep, about.rowWord, about.rowNames === "1") + ", " +
    place(column, +about.columnStep, about.columnWord, about.columnNames === "1") + ": about " + share.toFixed(2) +
    ", " + about.value;
  tip.style.display = "block";
  tip.style.left = Math.max(4, Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 4)) + "px";
  tip.style.top = Math.max(4, Math.min(event.clientY + 14, innerHeight - tip.offsetHeight - 4)) + "px";
}
for (const image of document.querySelectorAll("image.map")) {
  image.addEventListener("pointerenter", () => { plane(image); });
  image.addEventListener("pointermove", tell);
  image.addEventListener("pointerdown", tell);
  image.addEventListener("pointerleave", () => { tip.style.display = "none"; });
}
addEventListener("beforeprint", () => { for (const part of document.querySelectorAll("details")) part.open = true; });
)js";

}  // namespace deepmoe
