"""Data: the tree of images, its split and ground truth, and external proposals."""


rule fetch:
    """Bring the images of a data set into place: draw them, unpack them, or look at the user's tree.

    Depends on: datasets.{dataset}.format, datasets.{dataset}.classes, datasets.{dataset}.{scale}
    """
    output:
        manifest=f"data/{SCALE}/{{dataset}}.json",
    params:
        code=fetch_code,
        cfg=cfg("fetch", "dataset"),
    log:
        f"{LOG}/fetch/{{dataset}}.log",
    benchmark:
        f"{LOG}/fetch/{{dataset}}.tsv"
    shell:
        "sohem fetch --params {params.cfg:q} --dataset {wildcards.dataset} --out {output.manifest} &> {log}"


rule split:
    """Read the annotations: which images train and which test, and what is on them.

    Depends on: datasets.{dataset}.format, datasets.{dataset}.classes, datasets.{dataset}.{scale},
    datasets.{dataset}.ignore
    """
    input:
        manifest=rules.fetch.output.manifest,
    output:
        split=f"{DATA}/split.json",
        images=f"{DATA}/images.parquet",
        ground_truth=f"{DATA}/ground_truth.parquet",
    params:
        code=code("split"),
        cfg=cfg("split", "dataset"),
    log:
        f"{LOG}/split/{{dataset}}.log",
    benchmark:
        f"{LOG}/split/{{dataset}}.tsv"
    shell:
        "sohem split --params {params.cfg:q} --dataset {wildcards.dataset} --manifest {input.manifest}"
        " --split {output.split} --images {output.images} --ground-truth {output.ground_truth} &> {log}"


rule propose:
    """Search for proposals in a chunk of the images.

    Depends on: datasets.{dataset}.detector, datasets.{dataset}.{scale}, scales.{scale}.selective_search
    """
    input:
        manifest=rules.fetch.output.manifest,
        split=rules.split.output.split,
        images=rules.split.output.images,
    output:
        temp(f"work/{NAME}/proposals/{{dataset}}/{{chunk}}.parquet"),
    params:
        code=code("propose"),
        cfg=cfg("propose", "dataset"),
    log:
        f"{LOG}/propose/{{dataset}}-{{chunk}}.log",
    benchmark:
        f"{LOG}/propose/{{dataset}}-{{chunk}}.tsv"
    shell:
        "sohem propose --params {params.cfg:q} --dataset {wildcards.dataset} --images {input.images}"
        " --chunk {wildcards.chunk} --out {output} &> {log}"


rule merge_proposals:
    """Join the proposals of all chunks, or read published ones; for a detector that makes its own, empty tables.

    Depends on: datasets.{dataset}.detector, datasets.{dataset}.{scale}, scales.{scale}.selective_search
    """
    input:
        images=rules.split.output.images,
        ground_truth=rules.split.output.ground_truth,
        chunks=chunks,
        published=published_boxes,
    output:
        proposals=f"{DATA}/proposals.parquet",
        recall=f"{DATA}/recall.csv",
    params:
        code=code("merge_proposals"),
        cfg=cfg("propose", "dataset"),
    log:
        f"{LOG}/merge_proposals/{{dataset}}.log",
    benchmark:
        f"{LOG}/merge_proposals/{{dataset}}.tsv"
    shell:
        "sohem merge-proposals --params {params.cfg:q} --dataset {wildcards.dataset} --images {input.images}"
        " --ground-truth {input.ground_truth} --out {output.proposals} --recall {output.recall}"
        " {input.chunks} &> {log}"
