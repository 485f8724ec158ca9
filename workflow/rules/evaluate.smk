"""Evaluation: detections are stored, so that another threshold never needs the network again."""


rule detect:
    input:
        manifest=rules.fetch.output.manifest,
        split=rules.split.output.split,
        images=rules.split.output.images,
        proposals=rules.merge_proposals.output.proposals,
        checkpoint=rules.train.output.checkpoint,
    output:
        detections=f"{RUN}/detections.parquet",
    params:
        code=CODE["detect"],
        cfg=cfg("detect", "dataset", "method"),
        proposals=proposals_option,
    log:
        f"{LOG}/detect/{{dataset}}-{{method}}-seed{{seed}}.log",
    benchmark:
        f"{LOG}/detect/{{dataset}}-{{method}}-seed{{seed}}.tsv"
    threads: SETTINGS["threads"]
    resources:
        gpu=gpu(),
    shell:
        "sohem detect --params {params.cfg:q} --dataset {wildcards.dataset} --method {wildcards.method}"
        " --seed {wildcards.seed} --images {input.images} {params.proposals} --checkpoint {input.checkpoint}"
        " --out {output.detections} &> {log}"


rule evaluate:
    input:
        images=rules.split.output.images,
        ground_truth=rules.split.output.ground_truth,
        detections=rules.detect.output.detections,
    output:
        metrics=f"{RUN}/metrics.json",
        per_class=f"{RUN}/per_class.json",
        curve=f"{RUN}/ap.csv",
    params:
        code=CODE["evaluate"],
        cfg=cfg("evaluate", "dataset"),
    log:
        f"{LOG}/evaluate/{{dataset}}-{{method}}-seed{{seed}}.log",
    benchmark:
        f"{LOG}/evaluate/{{dataset}}-{{method}}-seed{{seed}}.tsv"
    shell:
        "sohem evaluate --params {params.cfg:q} --dataset {wildcards.dataset} --images {input.images}"
        " --ground-truth {input.ground_truth} --detections {input.detections} --metrics {output.metrics}"
        " --per-class {output.per_class} --curve {output.curve} &> {log}"


rule difference:
    input:
        images=rules.split.output.images,
        ground_truth=rules.split.output.ground_truth,
        first=expand(RUN.replace("method", "first") + "/detections.parquet", seed=SEEDS, allow_missing=True),
        second=expand(RUN.replace("method", "second") + "/detections.parquet", seed=SEEDS, allow_missing=True),
    output:
        csv=f"{STATISTICS}/difference_{{first}}_{{second}}.csv",
    params:
        code=CODE["difference"],
        cfg=cfg("difference", "dataset"),
        runs=lambda wildcards, input: [f"{wildcards.first}={f}" for f in input.first]
        + [f"{wildcards.second}={f}" for f in input.second],
    log:
        f"{LOG}/difference/{{dataset}}-{{first}}-{{second}}.log",
    benchmark:
        f"{LOG}/difference/{{dataset}}-{{first}}-{{second}}.tsv"
    shell:
        "sohem difference --params {params.cfg:q} --dataset {wildcards.dataset} --images {input.images}"
        " --ground-truth {input.ground_truth} --out {output.csv} {params.runs:q} &> {log}"


rule interval:
    input:
        images=rules.split.output.images,
        ground_truth=rules.split.output.ground_truth,
        runs=expand(rules.detect.output.detections, seed=SEEDS, allow_missing=True),
    output:
        csv=f"{STATISTICS}/interval_{{method}}.csv",
    params:
        code=CODE["interval"],
        cfg=cfg("interval", "dataset"),
    log:
        f"{LOG}/interval/{{dataset}}-{{method}}.log",
    benchmark:
        f"{LOG}/interval/{{dataset}}-{{method}}.tsv"
    shell:
        "sohem interval --params {params.cfg:q} --dataset {wildcards.dataset} --images {input.images}"
        " --ground-truth {input.ground_truth} --out {output.csv} {input.runs} &> {log}"


rule differences_sheet:
    input:
        manifest=rules.fetch.output.manifest,
        split=rules.split.output.split,
        images=rules.split.output.images,
        ground_truth=rules.split.output.ground_truth,
        detections=expand(rules.detect.output.detections, method=SHOWN[:2], seed=SEEDS[0], allow_missing=True),
    output:
        sheet=report(
            f"{PAPER}/differences_{{dataset}}.png",
            caption="../report/differences_sheet.rst",
            category="Evidence",
            labels={"data set": "{dataset}", "shows": "where the methods differ most"},
        ),
        provenance=f"{PAPER}/differences_{{dataset}}.provenance.json",
    params:
        code=CODE["differences_sheet"],
        cfg=cfg("differences_sheet", "dataset"),
        detections=lambda wildcards, input: [f"{m}={f}" for m, f in zip(SHOWN, input.detections)],
    log:
        f"{LOG}/differences_sheet/{{dataset}}.log",
    benchmark:
        f"{LOG}/differences_sheet/{{dataset}}.tsv"
    shell:
        "sohem differences-sheet --params {params.cfg:q} --dataset {wildcards.dataset} --images {input.images}"
        " --ground-truth {input.ground_truth} --out {output.sheet} {params.detections:q} &> {log}"


rule mined_sheet:
    input:
        manifest=rules.fetch.output.manifest,
        split=rules.split.output.split,
        images=rules.split.output.images,
        mined=expand(rules.train.output.mined, method=SHOWN, seed=SEEDS[0], allow_missing=True),
    output:
        sheet=report(
            f"{PAPER}/mined_{{dataset}}.png",
            caption="../report/mined_sheet.rst",
            category="Evidence",
            labels={"data set": "{dataset}", "shows": "what was mined"},
        ),
        provenance=f"{PAPER}/mined_{{dataset}}.provenance.json",
    params:
        code=CODE["mined_sheet"],
        cfg=cfg("mined_sheet", "dataset"),
        mined=lambda wildcards, input: [f"{m}={f}" for m, f in zip(SHOWN, input.mined)],
    log:
        f"{LOG}/mined_sheet/{{dataset}}.log",
    benchmark:
        f"{LOG}/mined_sheet/{{dataset}}.tsv"
    shell:
        "sohem mined-sheet --params {params.cfg:q} --dataset {wildcards.dataset} --images {input.images}"
        " --out {output.sheet} {params.mined:q} &> {log}"


rule detections_sheet:
    input:
        manifest=rules.fetch.output.manifest,
        split=rules.split.output.split,
        images=rules.split.output.images,
        ground_truth=rules.split.output.ground_truth,
        detections=expand(rules.detect.output.detections, method=SHOWN, seed=SEEDS[0], allow_missing=True),
    output:
        sheet=report(
            f"{PAPER}/detections_{{dataset}}.png",
            caption="../report/detections_sheet.rst",
            category="Data",
            labels={"data set": "{dataset}", "shows": "detections"},
        ),
        provenance=f"{PAPER}/detections_{{dataset}}.provenance.json",
    params:
        code=CODE["detections_sheet"],
        cfg=cfg("detections_sheet", "dataset"),
        detections=lambda wildcards, input: [f"{m}={f}" for m, f in zip(SHOWN, input.detections)],
    log:
        f"{LOG}/detections_sheet/{{dataset}}.log",
    benchmark:
        f"{LOG}/detections_sheet/{{dataset}}.tsv"
    shell:
        "sohem detections-sheet --params {params.cfg:q} --dataset {wildcards.dataset} --images {input.images}"
        " --ground-truth {input.ground_truth} --out {output.sheet} {params.detections:q} &> {log}"
