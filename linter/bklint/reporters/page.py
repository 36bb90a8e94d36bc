"""The frame of the HTML page: its style, its script and the policy that lets nothing else run."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256

STYLE = """
:root { color-scheme: light dark; --back: #fff; --text: #1c1f24; --soft: #5a6270; --line: #d5d9e0; --code: #f4f6f8;
  --error: #b3261e; --warning: #8a5a00; --info: #0b6170; --mark: #b3261e; --second: #2453b3; }
@media (prefers-color-scheme: dark) { :root { --back: #15181d; --text: #e3e6eb; --soft: #9aa3b0; --line: #363c46;
  --code: #1e2229; --error: #ff8a80; --warning: #f2b84b; --info: #62cfdf; --mark: #ff8a80; --second: #8fb4ff; } }
body { margin: 0 auto; max-width: 70rem; padding: 1rem; background: var(--back); color: var(--text);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; }
h2 { font-size: 1.1rem; margin: 1.5rem 0 .5rem; }
form { display: flex; flex-wrap: wrap; gap: .75rem 1.5rem; align-items: center; padding: .75rem 0; position: sticky; top: 0;
  background: var(--back); border-bottom: 1px solid var(--line); }
form[hidden] { display: none; }
fieldset { border: 0; margin: 0; padding: 0; display: flex; gap: .75rem; }
legend { float: left; margin-right: .75rem; padding: 0; }
select { max-width: 16rem; }
details { border: 1px solid var(--line); border-radius: 6px; margin: .5rem 0; padding: .25rem .75rem; }
.finding { border-left-width: 5px; }
.error { border-left-color: var(--error); }
.warning { border-left-color: var(--warning); }
.info { border-left-color: var(--info); }
.badge { border: 1px solid; border-radius: 4px; font-size: .85rem; font-weight: bold; padding: 0 .4rem; }
.badge.error { color: var(--error); }
.badge.warning { color: var(--warning); }
.badge.info { color: var(--info); }
.more { border: 0; margin: .25rem 0; padding: 0; }
.more > summary { color: var(--soft); }
a { color: var(--second); }
summary { cursor: pointer; padding: .25rem 0; }
small, dt, footer { color: var(--soft); }
pre { background: var(--code); border-radius: 6px; overflow-x: auto; overflow-wrap: normal; padding: .75rem;
  font: .85rem/1.4 ui-monospace, monospace; }
.primary { color: var(--mark); font-weight: bold; }
.secondary, .gutter { color: var(--second); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; margin: .5rem 0; }
dd { margin: 0; }
table { border-collapse: collapse; width: 100%; }
th, td { border-top: 1px solid var(--line); padding: .25rem .5rem; text-align: left; vertical-align: top; }
"""

SCRIPT = """
(function () {
  var form = document.getElementById("filters");
  if (!form) return;
  var list = document.getElementById("findings");
  var none = document.getElementById("none");
  var all = Array.prototype.slice.call(list.querySelectorAll(".finding"));
  var texts = all.map(function (each) { return each.textContent.toLowerCase(); });
  function wanted(each, number, severities, policy, words) {
    return severities.indexOf(each.dataset.severity) >= 0 && (!policy || each.dataset.policy === policy) &&
      words.every(function (word) { return texts[number].indexOf(word) >= 0; });
  }
  function order(a, b) {
    var first = a.indexOf("machine ") === 0 ? 0 : 1, second = b.indexOf("machine ") === 0 ? 0 : 1;
    return first - second || (a < b ? -1 : a > b ? 1 : 0);
  }
  function show() {
    var boxes = Array.prototype.slice.call(form.querySelectorAll("input[name=severity]:checked"));
    var severities = boxes.map(function (box) { return box.value; });
    var policy = document.getElementById("policy").value, view = document.getElementById("view").value;
    var words = document.getElementById("search").value.toLowerCase().split(/\\s+/).filter(Boolean);
    var shown = all.filter(function (each, number) { return wanted(each, number, severities, policy, words); });
    var groups = Object.create(null);
    shown.forEach(function (each) {
      var key = view ? each.dataset[view] : "";
      (groups[key] = groups[key] || []).push(each);
    });
    list.textContent = "";
    Object.keys(groups).sort(order).forEach(function (key) {
      if (view) {
        var title = document.createElement("h2");
        title.textContent = key + " (" + groups[key].length + ")";
        list.appendChild(title);
      }
      groups[key].forEach(function (each) { list.appendChild(each); });
    });
    none.hidden = shown.length > 0;
    document.getElementById("shown").textContent = shown.length + " of " + all.length + " shown";
  }
  form.hidden = false;
  form.addEventListener("input", show);
  form.addEventListener("submit", function (event) { event.preventDefault(); });
  show();
})();
"""


def framed(body: str) -> str:
    """A whole page around escaped content."""
    policy = f"default-src 'none'; style-src {_digest(STYLE)}; script-src {_digest(SCRIPT)}; base-uri 'none'; form-action 'none'"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>bklint report</title>\n'
        f"<style>{STYLE}</style>\n</head>\n<body>\n{body}\n<script>{SCRIPT}</script>\n</body>\n</html>\n"
    )


def _digest(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
