# A job for each step, from the market to the report. To train and predict, one for each fold with all
# baselines, and one for each network or tree: to train one also for each seed, such as
# `train 0/mlp/0`, side by side.
OF_EACH = {
    "baselines": ["results/train/{run}/baselines", "results/predict/{run}/baselines"],
    "train": ["results/train/{run}"],
    "predict": ["results/predict/{run}"],
}
for step, mem_mb, runtime in (
    ("simulate", 2000, 30),
    ("ingest", 4000, 240),
    ("label", 4000, 30),
    ("guard", 1000, 10),
    ("split", 4000, 60),
    ("normalize", 2000, 30),
    ("audit", 3000, 30),
    ("baselines", 8000, 60),
    ("train", 8000, 240),
    ("predict", 8000, 60),
    ("trade", 4000, 60),
    ("evaluate", 8000, 60),
    ("report", 2000, 15),
):
    each = step in OF_EACH
    if not (runs(step) if each else step in STAGE_OF):
        continue  # ingest, without sources; to train, with baselines alone
    path = f"{step}/{{run}}" if each else step

    rule:
        name:
            step
        input:
            inputs(step),
        output:
            [directory(out) for out in OF_EACH[step]] if each else outputs(STAGE_OF[step]),
        log:
            f"logs/{path}.log",
        benchmark:
            f"logs/benchmarks/{path}.tsv"
        wildcard_constraints:
            run="|".join(runs(step)),
        # Trainings take longest: what waits for some of them runs when no more are left.
        priority: int(step == "train")
        threads: 1
        resources:
            mem_mb=mem_mb,
            runtime=runtime,
        params:
            stage=stage_of(step),
            in_git=[] if each else outs(STAGE_OF[step], in_git=True),
            failed=FAILED,
        message:
            f"{step} {{wildcards.run}}" if each else step
        shell:
            REPRO
