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


rule label:
    input:
        inputs("label"),
    output:
        outputs("label"),
    log:
        "logs/label.log",
    benchmark:
        "logs/benchmarks/label.tsv"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        stage="label",
    message:
        "label"
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


rule split:
    input:
        inputs("split"),
    output:
        outputs("split"),
    log:
        "logs/split.log",
    benchmark:
        "logs/benchmarks/split.tsv"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        stage="split",
    message:
        "split"
    shell:
        REPRO


rule normalize:
    input:
        inputs("normalize"),
    output:
        outputs("normalize"),
    log:
        "logs/normalize.log",
    benchmark:
        "logs/benchmarks/normalize.tsv"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        stage="normalize",
    message:
        "normalize"
    shell:
        REPRO
