"""Write docs/reference/reproduction.md from what `attractory reproduce --full --out FOLDER` left.

python benchmarks/claims.py FOLDER
"""

import argparse
import json
from collections import Counter
from pathlib import Path

from attractory.paper.report import in_words

PAGE = Path(__file__).parent.parent / "docs/reference/reproduction.md"


def page(found):
    how = in_words(found["how"])
    rows, verdicts = [], Counter()
    for figure in found["figures"]:
        for claim in figure["claims"]:
            verdict = claim["verdict"].lower()
            verdicts[verdict] += 1
            cells = [figure["name"], claim["source"], claim["statement"], claim["measured"]]
            cells.append(verdict if verdict == "holds" else f"**{verdict}**")
            rows.append(f"| {' | '.join(cells)} |")
    return f"""# The paper's claims at the paper's sizes

What `attractory reproduce --full` found. Run it to have the figures, the numbers, and the rule that
each claim is judged by (`report.html`); `--quick` shows the same in small.

Cells: {how["cells"]}.
Time: {how["time"]}.
Seeds {how["seeds"]}; digits: {how["digits"]}.
Intervals are {how["intervals"]}.

| figure | source | claim | measured | verdict |
|---|---|---|---|---|
{chr(10).join(rows)}

{len(rows)} claims: {", ".join(f"{verdict} {count}" for verdict, count in verdicts.items())}.

{how["machine"]}; {how["versions"]}; {how["date"]}
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="what reproduce --full was told as --out")
    found = json.loads((parser.parse_args().folder / "claims.json").read_text(encoding="utf-8"))
    if found["how"]["size"] != "full":
        parser.error("folder must hold a full run, got a quick one; give reproduce --full")
    PAGE.write_text(page(found), encoding="utf-8")


if __name__ == "__main__":
    main()
