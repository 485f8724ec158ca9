"""Training: the weights that every run starts from, then one detector for each data set, method and seed."""


rule pretrain:
    """Make the weights that every run of this scale starts from.

    Depends on: scales.{scale}.device, scales.{scale}.instructions, scales.{scale}.threads, scales.{scale}.backbone,
    scales.{scale}.head, scales.{scale}.weights, scales.{scale}.pretrain
    """
    input:
        file=published_weights,
    output:
        weights=f"{SHARED}/pretrained.pt",
        report=f"{SHARED}/pretrain.json",
    params:
        code=code("pretrain"),
        cfg=cfg("pretrain"),
    log:
        f"{LOG}/pretrain.log",
    benchmark:
        f"{LOG}/pretrain.tsv"
    threads: SETTINGS["pretrain"].get("threads", SETTINGS["threads"])
    shell:
        "sohem pretrain --params {params.cfg:q} --out {output.weights} --report {output.report} &> {log}"


rule train:
    """Train a detector on one data set with one method and one seed.

    The state that an interrupted training resumes from is no declared output (it would be deleted before a rerun): it
    lies in params.state, in a folder for each fingerprint of the settings, so that it dies with a changed setting.

    Depends on: datasets.{dataset}.format, datasets.{dataset}.classes, datasets.{dataset}.{scale},
    datasets.{dataset}.detector, datasets.{dataset}.beta_target, methods.{method}, scales.{scale}.device,
    scales.{scale}.instructions, scales.{scale}.threads, scales.{scale}.backbone, scales.{scale}.head,
    scales.{scale}.weights, scales.{scale}.workers, scales.{scale}.precision, scales.{scale}.compile,
    scales.{scale}.frozen, scales.{scale}.cache, scales.{scale}.rpn, scales.{scale}.train, scales.{scale}.probe
    """
    input:
        manifest=rules.fetch.output.manifest,
        split=rules.split.output.split,
        images=rules.split.output.images,
        ground_truth=rules.split.output.ground_truth,
        proposals=rules.merge_proposals.output.proposals,
        weights=rules.pretrain.output.weights,
    output:
        checkpoint=f"{RUN}/checkpoint.pt",
        log=f"{RUN}/log.parquet",
        mined=f"{RUN}/mined.parquet",
        rois=f"{RUN}/rois.parquet",
        provenance=f"{RUN}/provenance.json",
    params:
        code=code("train"),
        cfg=cfg("train", "dataset", "method"),
        proposals=proposals_option,
        state=f"work/{NAME}/{{dataset}}-{{method}}-seed{{seed}}",
        cache=f"work/{SCALE}/cache",
    log:
        f"{LOG}/train/{{dataset}}-{{method}}-seed{{seed}}.log",
    benchmark:
        f"{LOG}/train/{{dataset}}-{{method}}-seed{{seed}}.tsv"
    threads: SETTINGS["threads"]
    resources:
        gpu=gpu(),
    shell:
        "sohem train --params {params.cfg:q} --dataset {wildcards.dataset} --method {wildcards.method}"
        " --seed {wildcards.seed} --images {input.images} --ground-truth {input.ground_truth}"
        " {params.proposals} --weights {input.weights} --state {params.state} --cache {params.cache}"
        " --checkpoint {output.checkpoint} --log {output.log} --mined {output.mined}"
        " --rois {output.rois} --provenance {output.provenance} &> {log}"
