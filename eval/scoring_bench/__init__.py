"""What eval.bench_scoring compares, each contender in a process of its own: messages, engines, file tools, their reports."""
