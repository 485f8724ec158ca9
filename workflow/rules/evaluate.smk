"""Evaluation: detections are stored, so that another threshold never needs the network again."""


rule detect:
    """Detect on the test images and store what was found.

    Depends on: datasets.{dataset}.format, datasets.{dataset}.classes, datasets.{dataset}.{scale},
    datasets.{dataset}.detector, datasets.{dataset}.beta_target, methods.{method}, scales.{scale}.device,
    scales.{scale}.instructions, scales.{scale}.threads, scales.{scale}.backbone, scales.{scale}.head,
    scales.{scale}.weights, scales.{scale}.workers, scales.{scale}.precision, scales.{scale}.compile,
    scales.{scale}.frozen, scales.{scale}.cache, scales.{scale}.rpn, scales.{scale}.train, scales.{scale}.probe,
    scales.{scale}.test
    """
    input:
        manifest=rules.fetch.output.manifest,
        split=rules.split.output.split,
        images=rules.split.output.images,
        proposals=rules.merge_proposals.output.proposals,
        checkpoint=rules.train.output.checkpoint,
    output:
        detections=f"{RUN}/detections.parquet",
        provenance=f"{RUN}/detections.provenance.json",
    params:
        code=code("detect"),
        cfg=cfg("detect", "dataset", "method"),
        proposals=proposals_option,
        cache=f"work/{SCALE}/cache",
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
        " --cache {params.cache} --out {output.detections} --provenance {output.provenance} &> {log}"


rule evaluate:
    """Measure the average precision of one run.

    Depends on: datasets.{dataset}.classes, datasets.{dataset}.rigid, evaluation.ious, evaluation.curve,
    evaluation.metric
    """
    input:
        images=rules.split.output.images,
        ground_truth=rules.split.output.ground_truth,
        detections=rules.detect.output.detections,
    output:
        metrics=f"{RUN}/metrics.json",
        per_class=f"{RUN}/per_class.json",
        curve=f"{RUN}/ap.csv",
    params:
        code=code("evaluate"),
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
    """Compare two methods on the same test images, with intervals.

    Depends on: datasets.{dataset}.classes, datasets.{dataset}.rigid, evaluation.ious, evaluation.metric,
    evaluation.bootstrap
    """
    input:
        images=rules.split.output.images,
        ground_truth=rules.split.output.ground_truth,
        first=expand(f"{RUN}/detections.parquet".replace("method", "first"), seed=SEEDS, allow_missing=True),
        second=expand(f"{RUN}/detections.parquet".replace("method", "second"), seed=SEEDS, allow_missing=True),
    output:
        csv=f"{STATISTICS}/difference_{{first}}_{{second}}.csv",
    params:
        code=code("difference"),
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
    """Measure how sure the average precision of one method is.

    Depends on: datasets.{dataset}.classes, datasets.{dataset}.rigid, evaluation.ious, evaluation.curve,
    evaluation.metric, evaluation.bootstrap
    """
    input:
        images=rules.split.output.images,
        ground_truth=rules.split.output.ground_truth,
        runs=expand(rules.detect.output.detections, seed=SEEDS, allow_missing=True),
    output:
        csv=f"{STATISTICS}/interval_{{method}}.csv",
    params:
        code=code("interval"),
        cfg=cfg("interval", "dataset"),
    log:
        f"{LOG}/interval/{{dataset}}-{{method}}.log",
    benchmark:
        f"{LOG}/interval/{{dataset}}-{{method}}.tsv"
    shell:
        "sohem interval --params {params.cfg:q} --dataset {wildcards.dataset} --images {input.images}"
        " --ground-truth {input.ground_truth} --out {output.csv} {input.runs} &> {log}"


rule overlap:
    """Work out what every method would have taken on the losses of every run.

    Depends on: run.methods, run.seeds, methods.{methods}, methods.{overlap}, datasets.{dataset}.detector,
    datasets.{dataset}.beta_target, evaluation.overlap, scales.{scale}.device, scales.{scale}.train.rois
    """
    input:
        rois=expand(rules.train.output.rois, method=METHODS, seed=SEEDS, allow_missing=True),
        logs=expand(rules.train.output.log, method=METHODS, seed=SEEDS, allow_missing=True),
    output:
        csv=f"{STATISTICS}/overlap.csv",
    params:
        code=code("overlap"),
        cfg=cfg("overlap", "dataset"),
        results=lambda wildcards: RES,
    log:
        f"{LOG}/overlap/{{dataset}}.log",
    benchmark:
        f"{LOG}/overlap/{{dataset}}.tsv"
    shell:
        "sohem overlap --params {params.cfg:q} --dataset {wildcards.dataset} --results {params.results}"
        " --out {output.csv} &> {log}"
