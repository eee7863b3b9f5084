// On paper: lines, charts and maps are drawn for the width that the page has there, for what was drawn for the screen
// would lie over other words. The class "on-paper" gives the screen the layout of the paper while that is measured.
(function(S) {
"use strict";

function paper(on) {
  document.documentElement.classList.toggle("on-paper", on);
  if (S.redrawArcs) S.redrawArcs();
  S.redrawCharts();
}
addEventListener("beforeprint", () => paper(true));
addEventListener("afterprint", () => paper(false));
})(window.Sluice);
