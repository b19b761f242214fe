# One job for each model and seed, such as `train ridge-0`: they run side by side.
wildcard_constraints:
    run="|".join(runs("train")),


rule train:
    input:
        inputs("train@{run}"),
    output:
        outputs("train@{run}"),
    log:
        "logs/train/{run}.log",
    benchmark:
        "logs/benchmarks/train/{run}.tsv"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=240,
    params:
        stage=name("train@{run}"),
    message:
        "train {wildcards.run}"
    shell:
        REPRO


rule predict:
    input:
        inputs("predict@{run}"),
    output:
        outputs("predict@{run}"),
    log:
        "logs/predict/{run}.log",
    benchmark:
        "logs/benchmarks/predict/{run}.tsv"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=60,
    params:
        stage=name("predict@{run}"),
    message:
        "predict {wildcards.run}"
    shell:
        REPRO
