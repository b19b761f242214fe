# A job for all baselines, and one for each network or tree: to train one also for each seed, such
# as `train mlp/0`, which run side by side.
for step, runtime in (("train", 240), ("predict", 60)):

    rule:
        name:
            step
        input:
            inputs(f"{step} {{run}}"),
        output:
            directory(f"results/{step}/{{run}}"),
        log:
            f"logs/{step}/{{run}}.log",
        benchmark:
            f"logs/benchmarks/{step}/{{run}}.tsv"
        wildcard_constraints:
            run="|".join(runs(step)),
        threads: 1
        resources:
            mem_mb=8000,
            runtime=runtime,
        params:
            stage=lambda wildcards, step=step: STAGE_OF[f"{step} {wildcards.run}"],
            in_git=[],
        message:
            f"{step} {{wildcards.run}}"
        shell:
            REPRO
