import subprocess
import sys

# in a process of its own: pandas is here already
CODE = """
import sys
import pyarrow as pa
from segmenter.arrow import leave_pandas_out
leave_pandas_out()
print(pa.array(["a"]).to_pylist(), "pandas" in sys.modules)
import pandas
print(pa.Table.from_pandas(pandas.DataFrame({"n": [1]})).to_pandas()["n"].tolist())
"""


def test_arrow_makes_arrays_without_pandas_and_tables_of_pandas_later() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["['a'] False", "[1]"]
