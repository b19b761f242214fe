rule evaluate:
    input:
        inputs("evaluate"),
    output:
        outputs("evaluate"),
    log:
        "logs/evaluate.log",
    benchmark:
        "logs/benchmarks/evaluate.tsv"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=60,
    params:
        stage="evaluate",
    message:
        "evaluate"
    shell:
        REPRO


rule report:
    input:
        inputs("report"),
    output:
        outputs("report"),
    log:
        "logs/report.log",
    benchmark:
        "logs/benchmarks/report.tsv"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=15,
    params:
        stage="report",
    message:
        "report"
    shell:
        REPRO
