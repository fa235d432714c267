"use strict";
// Sorts a table by the column whose heading is clicked: ascending first, then descending.
for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => {
    const heading = button.closest("th");
    const column = [...heading.parentNode.children].indexOf(heading);
    const body = heading.closest("table").tBodies[0];
    const ascending = heading.getAttribute("aria-sort") !== "ascending";
    const key = (row) => row.children[column].dataset.order ?? row.children[column].textContent.trim();
    const numeric = (a, b) => (isNaN(a) || isNaN(b) ? a.localeCompare(b) : a - b);
    for (const other of heading.parentNode.children) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", ascending ? "ascending" : "descending");
    const rows = [...body.rows].sort((a, b) => (ascending ? 1 : -1) * numeric(key(a), key(b)));
    body.append(...rows);
  });
}
