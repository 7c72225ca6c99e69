// How the search ranks pages: the glossary, then chapters, and the reference of the package last.
var Scorer = {
  score: ([page, title, anchor, says, score]) => {
    if (page === "book/glossary") return score + 14;
    if (page.startsWith("notebooks/")) return score + 12;
    return page.startsWith("book/api") ? score - 12 : score;
  },
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
