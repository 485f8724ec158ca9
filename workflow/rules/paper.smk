"""The paper: its figures and tables from our runs, its published numbers beside them, and whether its claims hold."""


rule figure:
    """Draw one figure.

    Depends on: what every artifact and its own kind reads (src/sohem/paper)
    """
    input:
        made_from=artifact_inputs,
    output:
        svg=report(
            f"{PAPER}/{{artifact}}.svg",
            caption="../report/artifact.rst",
            category="Figures",
            labels={"figure": "{artifact}"},
        ),
        png=f"{PAPER}/png/{{artifact}}.png",
        provenance=f"{PAPER}/{{artifact}}.provenance.json",
    params:
        code=code("artifact"),
        cfg=artifact_cfg,
        caption=artifact_caption,
        results=lambda wildcards: RES,
        stem=lambda wildcards: f"{PAPER}/{wildcards.artifact}",
    wildcard_constraints:
        artifact="|".join(FIGURES) or "(?!)",
    log:
        f"{LOG}/artifact/{{artifact}}.log",
    benchmark:
        f"{LOG}/artifact/{{artifact}}.tsv"
    shell:
        "sohem artifact --params {params.cfg:q} --artifact {wildcards.artifact} --results {params.results}"
        " --out {params.stem} &> {log}"


use rule figure as table with:
    input:
        made_from=artifact_inputs,
        published=published,
    output:
        csv=report(
            f"{PAPER}/{{artifact}}.csv",
            caption="../report/artifact.rst",
            category="Tables",
            labels={"table": "{artifact}", "numbers": "ours"},
        ),
        md=f"{PAPER}/{{artifact}}.md",
        tex=f"{PAPER}/{{artifact}}.tex",
        provenance=f"{PAPER}/{{artifact}}.provenance.json",
    wildcard_constraints:
        artifact="|".join(TABLES) or "(?!)",


use rule figure as sheet with:
    input:
        made_from=artifact_inputs,
        images=artifact_images,
    output:
        png=report(
            f"{PAPER}/{{artifact}}.png",
            caption="../report/artifact.rst",
            category="Images",
            labels={"sheet": "{artifact}"},
        ),
        provenance=f"{PAPER}/{{artifact}}.provenance.json",
    wildcard_constraints:
        artifact="|".join(SHEETS) or "(?!)",


rule report_page:
    """Make one page with everything.

    Depends on: run, artifacts, methods.{methods}, methods.{overlap}.title, datasets.{datasets}.title,
    datasets.{datasets}.format, datasets.{datasets}.detector, datasets.{datasets}.beta_target, datasets.{datasets}.classes,
    datasets.{datasets}.ignore, datasets.{datasets}.rigid, datasets.{datasets}.stands_for, datasets.{datasets}.{scale},
    datasets.{stood_for}.title, datasets.{stood_for}.classes, datasets.{stood_for}.rigid, evaluation.ious,
    evaluation.curve, evaluation.metric, evaluation.bootstrap, evaluation.overlap, scales.{scale}
    """
    input:
        results=report_results,
        templates=sorted(file for room in ("pages", "report") for file in Path("src/sohem", room, "templates").glob("*")),
        published=sorted(Path(PRINTED).glob("table*.csv")),
        measured=sorted(Path(MEASURED).glob("*.yaml")),
    output:
        page=report(f"{RES}/report.html", caption="../report/page.rst", category="Report"),
        provenance=f"{RES}/report.provenance.json",
    params:
        code=code("report"),
        cfg=cfg("report"),
        results=lambda wildcards: RES,
    log:
        f"{LOG}/report.log",
    benchmark:
        f"{LOG}/report.tsv"
    shell:
        "sohem report --params {params.cfg:q} --results {params.results} --out {output.page} &> {log}"


rule published:
    """Write a table with the numbers that the paper printed."""
    input:
        csv=f"{PRINTED}/{{table}}.csv",
    output:
        csv=report(
            f"{PAPER}/published/{{table}}.csv",
            caption="../report/published.rst",
            category="Tables",
            labels={"table": "{table}", "numbers": "published"},
        ),
        md=f"{PAPER}/published/{{table}}.md",
        tex=f"{PAPER}/published/{{table}}.tex",
    params:
        code=code("published"),
        stem=lambda wildcards, output: output.csv.removesuffix(".csv"),
    log:
        f"{LOG}/published/{{table}}.log",
    benchmark:
        f"{LOG}/published/{{table}}.tsv"
    shell:
        "sohem published --table {wildcards.table} --out {params.stem} &> {log}"


rule power:
    """Work out how small a difference the runs can show, and what those that the paper prints would take.

    Depends on: datasets.{dataset}.stands_for, evaluation.bootstrap.level
    """
    input:
        split=rules.split.output.split,
        difference=rules.difference.output.csv.format(
            dataset="{dataset}", first=CLAIMS["methods"][0], second=CLAIMS["methods"][1]
        ),
        published=sorted(Path(PRINTED).glob("*.csv")),
    output:
        csv=f"{STATISTICS}/power.csv",
    params:
        code=code("power"),
        cfg=cfg("power", "dataset"),
    log:
        f"{LOG}/power/{{dataset}}.log",
    benchmark:
        f"{LOG}/power/{{dataset}}.tsv"
    shell:
        "sohem power --params {params.cfg:q} --dataset {wildcards.dataset} --split {input.split}"
        " --difference {input.difference} --out {output.csv} &> {log}"


rule claims:
    """Hold the paper's claims against the runs.

    Depends on: run, artifacts, methods.{methods}.title, datasets.{datasets}.title, datasets.{datasets}.classes,
    datasets.{datasets}.rigid, datasets.{datasets}.stands_for, datasets.{datasets}.{scale}, datasets.{stood_for}.title,
    datasets.{stood_for}.classes, datasets.{stood_for}.rigid, datasets.voc.rigid, datasets.kitti.rigid,
    evaluation.metric, evaluation.bootstrap, scales.{scale}.window
    """
    input:
        claims="claims.yaml",
        evidence=evidence,
        published=sorted(Path(PRINTED).glob("*.csv")),
        measured=sorted(Path(MEASURED).glob("*.yaml")),
    output:
        json=f"{PAPER}/claims.json",
        md=report(f"{PAPER}/claims.md", caption="../report/claims.rst", category="Claims"),
        provenance=f"{PAPER}/claims.provenance.json",
    params:
        code=code("claims"),
        cfg=cfg("claims"),
        results=lambda wildcards: RES,
        stem=lambda wildcards, output: output.json.removesuffix(".json"),
    log:
        f"{LOG}/claims.log",
    benchmark:
        f"{LOG}/claims.tsv"
    shell:
        "sohem claims --params {params.cfg:q} --claims {input.claims} --results {params.results}"
        " --out {params.stem} &> {log}"
