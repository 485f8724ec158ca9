"""The paper: its figures and tables from our runs, its published numbers beside them, and whether its claims hold."""


rule figure:
    input:
        runs=artifact_runs,
        src=sources.of_steps("artifact"),
    output:
        svg=report(
            f"{RES}/{{artifact}}.svg",
            caption="../report/figure.rst",
            category="Figures",
            labels={"figure": "{artifact}"},
        ),
        png=f"{RES}/{{artifact}}.png",
        provenance=f"{RES}/{{artifact}}.provenance.json",
    params:
        cfg=cfg("artifact", "artifact"),
        results=lambda wildcards, output: str(Path(output.svg).parent),
        stem=lambda wildcards, output: output.svg.removesuffix(".svg"),
    wildcard_constraints:
        artifact="|".join(FIGURES) or "(?!)",
    log:
        f"{LOG}/artifact/{{artifact}}.log",
    benchmark:
        f"{LOG}/artifact/{{artifact}}.tsv"
    shell:
        "sohem artifact --params {params.cfg:q} --artifact {wildcards.artifact} --results {params.results}"
        " --out {params.stem} &> {log}"


rule table:
    input:
        runs=artifact_runs,
        differences=artifact_differences,
        published=published,
        src=sources.of_steps("artifact"),
    output:
        csv=report(
            f"{RES}/{{artifact}}.csv",
            caption="../report/table.rst",
            category="Tables",
            labels={"table": "{artifact}", "numbers": "ours"},
        ),
        md=f"{RES}/{{artifact}}.md",
        tex=f"{RES}/{{artifact}}.tex",
        provenance=f"{RES}/{{artifact}}.provenance.json",
    params:
        cfg=cfg("artifact", "artifact"),
        results=lambda wildcards, output: str(Path(output.csv).parent),
        stem=lambda wildcards, output: output.csv.removesuffix(".csv"),
    wildcard_constraints:
        artifact="|".join(TABLES) or "(?!)",
    log:
        f"{LOG}/artifact/{{artifact}}.log",
    benchmark:
        f"{LOG}/artifact/{{artifact}}.tsv"
    shell:
        "sohem artifact --params {params.cfg:q} --artifact {wildcards.artifact} --results {params.results}"
        " --out {params.stem} &> {log}"


# Not part of `all`, since it trains each variant: `snakemake --cores all ablation`.
rule ablation_artifacts:
    input:
        intervals=expand(rules.interval.output.csv, dataset=ABLATION["datasets"], method=ABLATION["methods"]),
        differences=ablation_differences,
        src=sources.of_steps("ablation"),
    output:
        csv=report(
            f"{RES}/ablation.csv",
            caption="../report/ablation.rst",
            category="Tables",
            labels={"table": "ablation", "numbers": "ours"},
        ),
        md=f"{RES}/ablation.md",
        tex=f"{RES}/ablation.tex",
        provenance=f"{RES}/ablation.provenance.json",
        svg=report(
            f"{RES}/ablation_figure.svg",
            caption="../report/ablation.rst",
            category="Figures",
            labels={"figure": "ablation"},
        ),
        png=f"{RES}/ablation_figure.png",
        figure_provenance=f"{RES}/ablation_figure.provenance.json",
    params:
        cfg=cfg("ablation"),
        results=lambda wildcards, output: str(Path(output.csv).parent),
        stem=lambda wildcards, output: output.csv.removesuffix(".csv"),
    log:
        f"{LOG}/ablation.log",
    benchmark:
        f"{LOG}/ablation.tsv"
    shell:
        "sohem ablation --params {params.cfg:q} --results {params.results} --out {params.stem} &> {log}"


rule published:
    input:
        csv=f"{PAPER}/{{table}}.csv",
        src=sources.of_steps("published"),
    output:
        csv=report(
            f"{RES}/published/{{table}}.csv",
            caption="../report/published.rst",
            category="Tables",
            labels={"table": "{table}", "numbers": "published"},
        ),
        md=f"{RES}/published/{{table}}.md",
        tex=f"{RES}/published/{{table}}.tex",
    params:
        stem=lambda wildcards, output: output.csv.removesuffix(".csv"),
    log:
        f"{LOG}/published/{{table}}.log",
    benchmark:
        f"{LOG}/published/{{table}}.tsv"
    shell:
        "sohem published --table {wildcards.table} --out {params.stem} &> {log}"


rule claims:
    input:
        claims="claims.yaml",
        evidence=evidence,
        published=sorted(Path(PAPER).glob("*.csv")),
        src=sources.of_steps("claims"),
    output:
        json=f"{RES}/claims.json",
        md=report(f"{RES}/claims.md", caption="../report/claims.rst", category="Claims"),
        provenance=f"{RES}/claims.provenance.json",
    params:
        cfg=cfg("claims"),
        results=lambda wildcards, output: str(Path(output.json).parent),
        stem=lambda wildcards, output: output.json.removesuffix(".json"),
    log:
        f"{LOG}/claims.log",
    benchmark:
        f"{LOG}/claims.tsv"
    shell:
        "sohem claims --params {params.cfg:q} --claims {input.claims} --results {params.results}"
        " --out {params.stem} &> {log}"
