rule simulate:
    input:
        inputs("simulate"),
    output:
        outputs("simulate"),
    log:
        "logs/simulate.log",
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
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        stage="labels",
    message:
        "labels"
    shell:
        REPRO


rule splits:
    input:
        inputs("splits"),
    output:
        outputs("splits"),
    log:
        "logs/splits.log",
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
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        stage="normalization",
    message:
        "normalization"
    shell:
        REPRO
