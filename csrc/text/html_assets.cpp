#include "text/html_assets.h"

namespace pycircuit {
namespace {

// Selectors below the container, and their declarations.
constexpr std::string_view kRules[] = {
    "|display:block;padding:6px;font-family:ui-monospace,Menlo,Consolas,monospace;font-size:13px;line-height:1.45;border-radius:4px;"
    "overflow:auto;"
    "direction:ltr;text-align:left",
    " pre|margin:0;white-space:pre;font:inherit;color:inherit;background:none",
    " .pc-bar|display:flex;gap:6px;align-items:center;margin-bottom:4px;flex-wrap:wrap",
    " .pc-bar button, .pc-bar input|font:inherit;color:inherit;background:none;border:1px solid currentColor;border-radius:3px;padding:0 "
    "6px;opacity:.85",
    " .pc-bar input|width:16em",
    " .pc-row|position:relative;display:flex;align-items:baseline;white-space:pre;outline:none;border-radius:3px",
    " .pc-row[hidden]|display:none",
    " .pc-row:focus-visible|box-shadow:inset 0 0 0 2px currentColor",
    " .pc-guide|position:absolute;top:0;bottom:0;width:0;border-left:1px solid;opacity:.6",
    " .pc-caret|flex:none;width:1.2em;text-align:center;cursor:pointer;user-select:none",
    " .pc-caret.pc-inert|opacity:.35;cursor:default",
    " .pc-text|cursor:pointer;unicode-bidi:isolate",
    " .pc-text span|unicode-bidi:isolate",
    " .pc-same .pc-text|text-decoration:underline;font-weight:bold",
    " .pc-leaf|color:magenta;white-space:pre",
    " .pc-copy|font:inherit;font-size:85%;margin-left:8px;padding:0 4px;background:none;border:1px solid "
    "currentColor;border-radius:3px;opacity:.5;cursor:pointer",
    " .pc-copy:hover, .pc-copy:focus|opacity:1",
};

}  // namespace

void append_style(std::string& out, std::string_view id) {
  for (const std::string_view rule : kRules) {
    const size_t bar = rule.find('|');
    std::string_view selectors = rule.substr(0, bar);
    // Every selector of a list gets the container in front.
    while (true) {
      const size_t comma = selectors.find(',');
      out += "#" + std::string(id) + std::string(selectors.substr(0, comma));
      if (comma == std::string_view::npos) break;
      out += ',';
      selectors.remove_prefix(comma + 1);
    }
    out += "{" + std::string(rule.substr(bar + 1)) + "}\n";
  }
}

const std::string_view kHtmlScript = R"js((function (id, data) {
"use strict";
const root = document.getElementById(id);
if (!root) return;
const NAME = 0, SHOWN = 1, INFO = 2, COLOR = 3, HASH = 4, KIDS = 5, OPEN = 6, TIP = 7, COMMENTS = 8, ROLES = 9, BINDINGS = 10;
const nodes = data.nodes, MAX_OPEN = 5000, MAX_INDENT = 40, STEP = 1.25;

// --- colours
function isColor(text) {
  return text.trim() !== "" && !/["']/.test(text) && !/var\(|env\(|attr\(/i.test(text) && !/^\s*(inherit|initial|unset|revert|revert-layer)\s*$/i.test(text) &&
    CSS.supports("color", text);
}
function rgbOf(color) {
  const probe = document.createElement("span");
  probe.style.color = color;
  root.appendChild(probe);
  const parts = getComputedStyle(probe).color.match(/[\d.]+/g);
  probe.remove();
  return parts && parts.length >= 3 ? parts.slice(0, 3).map(Number) : [211, 211, 211];
}
function luminance(rgb) {
  const [r, g, b] = rgb.map(c => { c /= 255; return c <= 0.03928 ? c / 12.92 : Math.pow((c + 0.055) / 1.055, 2.4); });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
let primary = isColor(data.primary) ? data.primary : "lightgray";
let rgb = rgbOf(primary);
const dark = luminance(rgb) >= 0.4;
root.style.background = dark ? "#161616" : "#ffffff";
if (!dark) {
  while (1.05 / (luminance(rgb) + 0.05) < 4.5) { rgb = rgb.map(c => Math.floor(c * 0.95)); primary = "rgb(" + rgb.join(",") + ")"; }
}
root.style.color = primary;
const colors = data.colors.map(text => isColor(text) ? text : primary);
const colorOf = node => nodes[node][COLOR] < 0 ? primary : colors[nodes[node][COLOR]];

// --- rows: {node, parent, index, level, el, kids, open, repeat}
const rowsOf = nodes.map(() => []);
const make = (tag, cls, text) => {
  const el = document.createElement(tag);
  if (cls) el.className = cls;
  if (text !== undefined) el.textContent = text;
  return el;
};
const tree = make("div");
tree.setAttribute("role", "tree");
tree.setAttribute("aria-label", "circuit");
const shownName = node => nodes[node][NAME] === null ? "" : "'" + (nodes[node][SHOWN] || nodes[node][NAME]) + "'";
const canOpen = row => nodes[row.node][KIDS] !== 0 && nodes[row.node][KIDS].length > 0;
const roleOf = (parent, index) => parent !== null && nodes[parent][ROLES] ? nodes[parent][ROLES][index] : "";
const bindingOf = (parent, index) => parent !== null && nodes[parent][BINDINGS] ? nodes[parent][BINDINGS][index] : "";
function restOf(node, parent, index) {
  let text = nodes[node][INFO];
  if (nodes[node][KIDS] === 0) text += " ...";
  if (roleOf(parent, index)) text += " # " + roleOf(parent, index);
  return text;
}
const commentsOf = node => (nodes[node][COMMENTS] || []).filter(text => text !== "");

function makeRow(node, parent, index) {
  const row = { node, parent, index, level: parent ? parent.level + 1 : 1, kids: null, open: false, repeat: rowsOf[node].length > 0 };
  const el = make("div", "pc-row");
  row.el = el;
  const indent = Math.min(row.level - 1, MAX_INDENT);
  el.style.paddingLeft = indent * STEP + "em";
  let above = parent;
  for (let depth = indent - 1; depth >= 0 && above; --depth, above = above.parent) {
    const guide = make("span", "pc-guide");
    guide.style.left = (depth + 0.45) * STEP + "em";
    guide.style.borderColor = colorOf(above.node);
    el.appendChild(guide);
  }
  el.setAttribute("role", "treeitem");
  el.setAttribute("aria-level", row.level);
  el.setAttribute("data-hash", nodes[node][HASH]);
  if (nodes[node][NAME] !== null) el.setAttribute("data-name", nodes[node][NAME]);
  if (row.repeat) el.setAttribute("data-repeat", "");
  el.title = nodes[node][TIP];
  el.tabIndex = -1;
  el.style.color = colorOf(node);
  row.caret = make("span", "pc-caret" + (canOpen(row) ? "" : " pc-inert"), "▸");
  row.caret.style.color = primary;
  row.caret.setAttribute("aria-hidden", "true");
  el.appendChild(row.caret);
  if (canOpen(row)) el.setAttribute("aria-expanded", "false");
  const text = make("span", "pc-text");
  const from = parent ? parent.node : null;
  if (indent < row.level - 1) el.insertBefore(make("span", "", "(" + row.level + ") "), row.caret.nextSibling);
  for (const piece of [shownName(node), restOf(node, from, index), ...commentsOf(node).map(comment => " # " + comment), bindingOf(from, index), row.repeat ? " (repeat)" : ""])
    if (piece) text.appendChild(make("span", "", piece));
  el.appendChild(text);
  row.leaf = make("span", "pc-leaf");
  el.appendChild(row.leaf);
  if (data.copy) {
    const button = make("button", "pc-copy", "copy");
    button.type = "button";
    button.tabIndex = -1;
    button.style.color = primary;
    button.setAttribute("aria-label", "copy the name");
    button.addEventListener("click", event => { event.stopPropagation(); copyName(row); });
    el.appendChild(button);
    row.button = button;
  }
  row.caret.addEventListener("click", () => { focusRow(row); toggle(row); });
  text.addEventListener("click", () => {
    if (String(getSelection()) !== "") return;
    focusRow(row);
    toggle(row);
  });
  el.addEventListener("mouseenter", () => emphasise(row, true));
  el.addEventListener("mouseleave", () => emphasise(row, false));
  el.addEventListener("focus", () => emphasise(row, true));
  el.addEventListener("blur", () => emphasise(row, false));
  el.pcRow = row;
  rowsOf[node].push(row);
  return row;
}
function emphasise(row, on) {
  for (const other of rowsOf[row.node]) if (other !== row) other.el.classList.toggle("pc-same", on);
}

// The last row displayed below `row`, itself if nothing is.
function lastBelow(row) {
  while (row.open && row.kids.length) row = row.kids[row.kids.length - 1];
  return row;
}
function visibleBelow(row, visit) {
  const waiting = row.open ? row.kids.slice().reverse() : [];
  while (waiting.length) {
    const next = waiting.pop();
    visit(next);
    if (next.open) for (let i = next.kids.length; i-- > 0;) waiting.push(next.kids[i]);
  }
}
function makeKids(row) {
  if (row.kids) return;
  row.kids = nodes[row.node][KIDS].map((kid, i) => makeRow(kid, row, i));
  const after = row.el.nextSibling;
  const batch = document.createDocumentFragment();
  for (const kid of row.kids) batch.appendChild(kid.el);
  tree.insertBefore(batch, after);
}
function setOpen(row, open) {
  if (!canOpen(row) || row.open === open) return;
  if (open) makeKids(row);
  if (!open) visibleBelow(row, below => { below.el.hidden = true; });
  row.open = open;
  if (open) visibleBelow(row, below => { below.el.hidden = false; });
  row.caret.textContent = open ? "▾" : "▸";
  row.el.setAttribute("aria-expanded", String(open));
}
function toggle(row) {
  setOpen(row, !row.open);
  numberLeaves();
}
const roots = [];
function eachVisible(visit) {
  for (const row of roots) { visit(row); visibleBelow(row, visit); }
}
function numberLeaves() {
  if (!data.leaves) return;
  let next = 0;
  eachVisible(row => {
    row.leaf.textContent = row.open ? "" : " # " + next;
    if (row.open) row.el.removeAttribute("data-leaf"); else row.el.setAttribute("data-leaf", next++);
  });
}

// --- focus and keys
let current = null;
function focusRow(row, quietly) {
  if (current) current.el.tabIndex = -1;
  current = row;
  row.el.tabIndex = 0;
  if (!quietly) row.el.focus();
}
function neighbour(row, forward) {
  let el = row.el;
  do { el = forward ? el.nextSibling : el.previousSibling; } while (el && el.hidden);
  return el ? el.pcRow : null;
}
tree.addEventListener("keydown", event => {
  if (event.ctrlKey || event.altKey || event.metaKey || !current || event.target !== current.el) return;
  const row = current;
  let next = null;
  switch (event.key) {
    case "ArrowDown": next = neighbour(row, true); break;
    case "ArrowUp": next = neighbour(row, false); break;
    case "Home": next = roots[0]; break;
    case "End": next = lastBelow(roots[roots.length - 1]); break;
    case "ArrowRight":
      if (row.open) next = row.kids[0]; else { setOpen(row, true); numberLeaves(); }
      break;
    case "ArrowLeft":
      if (row.open) { setOpen(row, false); numberLeaves(); } else next = row.parent;
      break;
    case "Enter": case " ": toggle(row); break;
    case "c": case "C": copyName(row); break;
    default: return;
  }
  event.preventDefault();
  if (next) focusRow(next);
});

// --- copying
let messageTimer = 0;
const message = make("span", "pc-message");
message.setAttribute("role", "status");
function say(text) {
  message.textContent = text;
  clearTimeout(messageTimer);
  messageTimer = setTimeout(() => { message.textContent = ""; }, 4000);
}
function confirmCopy(row, text) {
  say(text);
  if (!row.button) return;
  row.button.textContent = text;
  setTimeout(() => { row.button.textContent = "copy"; }, 1500);
}
function copyByCommand(text) {
  const area = make("textarea");
  area.value = text;
  area.style.position = "fixed";
  area.style.opacity = "0";
  root.appendChild(area);
  area.select();
  let done = false;
  try { done = document.execCommand("copy"); } catch (error) { done = false; }
  area.remove();
  return done;
}
function copyName(row) {
  const name = nodes[row.node][NAME];
  if (name === null) return confirmCopy(row, "no name");
  const back = document.activeElement;
  const fall = () => {
    const done = copyByCommand(name);
    if (back && back.focus) back.focus();
    confirmCopy(row, done ? "copied" : "copying failed");
  };
  if (navigator.clipboard && navigator.clipboard.writeText) navigator.clipboard.writeText(name).then(() => confirmCopy(row, "copied"), fall);
  else fall();
}

// --- searching: nodes in reading order of their first place, with the path to it
let places = null;
function findPlaces() {
  if (places) return places;
  places = [];
  const seen = new Uint8Array(nodes.length), waiting = [];
  for (let i = data.roots.length; i-- > 0;) waiting.push([data.roots[i], -1, i]);
  while (waiting.length) {
    const [node, parent, index] = waiting.pop();
    if (seen[node]) continue;
    seen[node] = 1;
    const place = places.length;
    const from = parent < 0 ? null : places[parent].node;
    places.push({ node, parent, index, text: (shownName(node) + restOf(node, from, index) + commentsOf(node).map(c => " # " + c).join("") + bindingOf(from, index)).toLowerCase() });
    const kids = nodes[node][KIDS] || [];
    for (let i = kids.length; i-- > 0;) waiting.push([kids[i], place, i]);
  }
  return places;
}
let hit = -1;
function search(text, forward) {
  const wanted = text.toLowerCase(), all = findPlaces();
  if (!wanted) return;
  for (let step = 1; step <= all.length; ++step) {
    const at = (((hit + (forward ? step : -step)) % all.length) + all.length) % all.length;
    if (!all[at].text.includes(wanted)) continue;
    hit = at;
    const path = [];
    for (let place = at; place >= 0; place = all[place].parent) path.push(all[place]);
    let row = roots[path.pop().index];
    while (path.length) {
      setOpen(row, true);
      row = row.kids[path.pop().index];
    }
    numberLeaves();
    focusRow(row, true);
    row.el.scrollIntoView({ block: "nearest" });
    emphasise(row, true);
    row.el.focus({ preventScroll: true });
    return say("found");
  }
  say("not found");
}

// --- the bar
function openAll() {
  let count = 0;
  eachVisible(() => { ++count; });
  const waiting = roots.slice().reverse();
  while (waiting.length) {
    const row = waiting.pop();
    if (canOpen(row) && !row.open) {
      const more = nodes[row.node][KIDS].length;
      if (count + more > MAX_OPEN) { numberLeaves(); return say("stopped at " + count + " rows"); }
      count += more;
      setOpen(row, true);
    }
    if (row.open) for (let i = row.kids.length; i-- > 0;) waiting.push(row.kids[i]);
  }
  numberLeaves();
}
function closeAll() {
  const open = [];
  eachVisible(row => { if (row.open) open.push(row); });
  while (open.length) setOpen(open.pop(), false);
  numberLeaves();
  if (roots.length) focusRow(roots[0], true);
}
const bar = make("div", "pc-bar");
const input = make("input");
input.type = "search";
input.placeholder = "search";
input.setAttribute("aria-label", "search in the circuit");
input.addEventListener("input", () => { hit = -1; });
input.addEventListener("keydown", event => {
  event.stopPropagation();
  if (event.key === "Enter") { event.preventDefault(); search(input.value, !event.shiftKey); }
});
const addButton = (text, label, act) => {
  const button = make("button", "", text);
  button.type = "button";
  button.setAttribute("aria-label", label);
  button.addEventListener("click", act);
  bar.appendChild(button);
};
bar.appendChild(input);
addButton("↓", "next hit", () => search(input.value, true));
addButton("↑", "previous hit", () => search(input.value, false));
addButton("open all", "open all rows", openAll);
addButton("close all", "close all rows", closeAll);
bar.appendChild(message);

// --- the initial tree, repeats marked in reading order
root.textContent = "";
root.appendChild(bar);
root.appendChild(tree);
for (let i = 0; i < data.roots.length; ++i) {
  const row = makeRow(data.roots[i], null, i);
  roots.push(row);
  tree.appendChild(row.el);
  if (startsOpen(row)) openInOrder(row);
}
function startsOpen(row) { return nodes[row.node][OPEN] && !row.repeat && canOpen(row); }
// Opens a row and what is open below it at the start, making rows in reading order so that the first row of a node is no repeat.
function openInOrder(top) {
  top.kids = [];
  const stack = [{ row: top, at: 0 }];
  while (stack.length) {
    const frame = stack[stack.length - 1], kids = nodes[frame.row.node][KIDS];
    if (frame.at === kids.length) {
      frame.row.open = true;
      frame.row.caret.textContent = "▾";
      frame.row.el.setAttribute("aria-expanded", "true");
      stack.pop();
      continue;
    }
    const kid = makeRow(kids[frame.at], frame.row, frame.at);
    frame.at += 1;
    frame.row.kids.push(kid);
    tree.appendChild(kid.el);
    if (startsOpen(kid)) {
      kid.kids = [];
      stack.push({ row: kid, at: 0 });
    }
  }
}
if (roots.length) focusRow(roots[0], true);
numberLeaves();
}))js";

}  // namespace pycircuit
