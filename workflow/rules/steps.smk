# A job for each step, from the market to the report; what takes more of them is in models.smk.
for step, mem_mb, runtime in (
    ("simulate", 2000, 30),
    ("label", 4000, 30),
    ("guard", 1000, 10),
    ("split", 4000, 60),
    ("normalize", 2000, 30),
    ("evaluate", 8000, 60),
    ("report", 2000, 15),
):

    rule:
        name:
            step
        input:
            inputs(step),
        output:
            outputs(step),
        log:
            f"logs/{step}.log",
        benchmark:
            f"logs/benchmarks/{step}.tsv"
        threads: 1
        resources:
            mem_mb=mem_mb,
            runtime=runtime,
        params:
            stage=step,
            in_git=outs(step, in_git=True),
        message:
            step
        shell:
            REPRO
