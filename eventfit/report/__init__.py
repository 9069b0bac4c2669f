"""Reports: text for people, JSON for programs, figures for papers, and the bibliography behind a number."""
