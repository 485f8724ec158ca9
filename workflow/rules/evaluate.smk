"""Evaluation: detections are stored, so that another threshold never needs the network again."""


rule detect:
    input:
        manifest=rules.fetch.output.manifest,
        split=rules.split.output.split,
        images=rules.split.output.images,
        proposals=proposals,
        checkpoint=rules.train.output.checkpoint,
        src=sources.of_steps("detect"),
    output:
        detections=f"{RUN}/detections.parquet",
    params:
        cfg=cfg("detect", "dataset", "method"),
        proposals=option("proposals"),
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
        src=sources.of_steps("evaluate"),
    output:
        metrics=f"{RUN}/metrics.json",
        per_class=f"{RUN}/per_class.json",
        curve=f"{RUN}/ap.csv",
    params:
        cfg=cfg("evaluate", "dataset"),
    log:
        f"{LOG}/evaluate/{{dataset}}-{{method}}-seed{{seed}}.log",
    benchmark:
        f"{LOG}/evaluate/{{dataset}}-{{method}}-seed{{seed}}.tsv"
    shell:
        "sohem evaluate --params {params.cfg:q} --dataset {wildcards.dataset} --images {input.images}"
        " --ground-truth {input.ground_truth} --detections {input.detections} --metrics {output.metrics}"
        " --per-class {output.per_class} --curve {output.curve} &> {log}"


rule detections_sheet:
    input:
        manifest=rules.fetch.output.manifest,
        split=rules.split.output.split,
        images=rules.split.output.images,
        ground_truth=rules.split.output.ground_truth,
        detections=expand(rules.detect.output.detections, method=METHODS, seed=SEEDS[0], allow_missing=True),
        src=sources.of_steps("detections-sheet"),
    output:
        sheet=report(
            f"{RES}/detections_{{dataset}}.png",
            caption="../report/detections_sheet.rst",
            category="Data",
            labels={"data set": "{dataset}", "shows": "detections"},
        ),
        provenance=f"{RES}/detections_{{dataset}}.provenance.json",
    params:
        cfg=cfg("detections_sheet", "dataset"),
        detections=lambda wildcards, input: [f"{m}={f}" for m, f in zip(METHODS, input.detections)],
    log:
        f"{LOG}/detections_sheet/{{dataset}}.log",
    benchmark:
        f"{LOG}/detections_sheet/{{dataset}}.tsv"
    shell:
        "sohem detections-sheet --params {params.cfg:q} --dataset {wildcards.dataset} --images {input.images}"
        " --ground-truth {input.ground_truth} --out {output.sheet} {params.detections:q} &> {log}"
