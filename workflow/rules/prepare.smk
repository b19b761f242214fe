rule simulate:
    input:
        inputs("simulate"),
    output:
        outputs("simulate"),
    log:
        "logs/simulate.log",
    benchmark:
        "logs/benchmarks/simulate.tsv"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        stage="simulate",
    message:
        "simulate"
    shell:
        REPRO


rule labels:
    input:
        inputs("labels"),
    output:
        outputs("labels"),
    log:
        "logs/labels.log",
    benchmark:
        "logs/benchmarks/labels.tsv"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        stage="labels",
    message:
        "labels"
    shell:
        REPRO


rule guard:
    input:
        inputs("guard"),
    output:
        outputs("guard"),
    log:
        "logs/guard.log",
    benchmark:
        "logs/benchmarks/guard.tsv"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        stage="guard",
    message:
        "guard"
    shell:
        REPRO


rule splits:
    input:
        inputs("splits"),
    output:
        outputs("splits"),
    log:
        "logs/splits.log",
    benchmark:
        "logs/benchmarks/splits.tsv"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        stage="splits",
    message:
        "splits"
    shell:
        REPRO


rule normalization:
    input:
        inputs("normalization"),
    output:
        outputs("normalization"),
    log:
        "logs/normalization.log",
    benchmark:
        "logs/benchmarks/normalization.tsv"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        stage="normalization",
    message:
        "normalization"
    shell:
        REPRO
