"""What eval.bench_shares tries out: corpora whose shares are known, cut by author from labelled messages and drawn anew."""
