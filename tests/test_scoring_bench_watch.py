import json
import sys
from pathlib import Path

from eval.scoring_bench.watch import main

TAKES_MEMORY = "import sys; kept = bytearray(300_000_000); kept[::4096] = bytes(len(kept[::4096])); sys.exit(3)"


def test_memory_and_seconds_of_a_command_are_written_and_its_code_is_given_back(tmp_path: Path) -> None:
    out = tmp_path / "watched.json"
    assert main([f"{out}", sys.executable, "-c", TAKES_MEMORY]) == 3
    found = json.loads(out.read_text("utf-8"))
    assert found["peak_bytes"] > 300_000_000
    assert found["seconds"] > 0
