"use strict";
(function () {
  // --- light and dark: as the system has it, until the switch is used
  const root = document.documentElement, button = document.getElementById("theme");
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  let chosen = null;
  try { chosen = localStorage.getItem("sgsim-theme"); } catch (refused) { chosen = null; }
  function show() {
    if (chosen === "dark" || chosen === "light") root.dataset.theme = chosen;
    button.setAttribute("aria-pressed", String((chosen || (system.matches ? "dark" : "light")) === "dark"));
  }
  button.addEventListener("click", function () {
    chosen = button.getAttribute("aria-pressed") === "true" ? "light" : "dark";
    try { localStorage.setItem("sgsim-theme", chosen); } catch (refused) { /* it is for this visit only */ }
    show();
  });
  system.addEventListener("change", show);
  button.hidden = false;
  show();

  // --- tables: a heading's button sorts by its column, numbers downwards first
  function value(row, column) {
    const cell = row.cells[column], number = cell.getAttribute("data-v");
    return number === null ? cell.textContent : Number(number);
  }
  function sort(table, column, heading) {
    const before = heading.getAttribute("aria-sort");
    const numbers = heading.classList.contains("n");
    const up = before === null || before === "none" ? !numbers : before === "descending";
    for (const other of table.tHead.rows[0].cells)
      if (other.hasAttribute("aria-sort")) other.setAttribute("aria-sort", "none");
    heading.setAttribute("aria-sort", up ? "ascending" : "descending");
    const body = table.tBodies[0], rows = Array.from(body.rows), sign = up ? 1 : -1;
    const words = new Intl.Collator("en", { numeric: true });
    rows.sort(function (one, other) {
      const a = value(one, column), b = value(other, column);
      return sign * (typeof a === "number" && typeof b === "number" ? a - b : words.compare(String(a), String(b)));
    });
    body.append(...rows);
  }
  for (const table of document.querySelectorAll("table.sortable"))
    Array.from(table.tHead.rows[0].cells).forEach(function (heading, column) {
      const press = document.createElement("button");
      press.type = "button";
      press.append(...heading.childNodes);
      heading.append(press);
      heading.setAttribute("aria-sort", "none");
      press.addEventListener("click", function () { sort(table, column, heading); });
    });
})();
