"""Other people's measurements: where they lie, how they are fetched and checked.

No table is part of this package. A table is fetched from its origin at a pinned commit, or read
from a local mirror when the environment variable ``SCALINGLAB_MIRROR`` names one: a folder with
one sub-folder ``owner+repository`` per origin. Either way its checksum is compared.
"""

import dataclasses
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pooch

MIRROR = "SCALINGLAB_MIRROR"
"""The one environment variable that is read: a folder with copies of the tables."""

RAW = "https://raw.githubusercontent.com"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Origin:
    """A repository at a pinned commit.

    Attributes
    ----------
    repository
        ``owner/name`` on GitHub.
    commit
        The pinned commit.
    licence
        What it says of the data; ``"none stated"`` means: study and cite, do not pass on.
    """

    repository: str
    commit: str
    licence: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Table:
    """A published table: what it is, where it comes from, what its columns are called here.

    Attributes
    ----------
    origin
        Where it comes from.
    description
        What was measured, by whom, with paper.
    path
        The file's path at the origin; ``""`` where the file is a flattening of other formats
        and exists in mirrors only.
    file
        The file's name in a mirror, in the folder ``owner+name`` of ``folder``.
    folder
        ``owner/name`` whose mirror folder holds the file, if not the origin's repository.
    sha256
        Of the file, at the origin and in a mirror.
    columns
        The file's names by the names that this package uses: ``{"N_total": "Model Size"}``.
    complete
        Adds the columns that follow from others, such as tokens from FLOPs.
    """

    origin: Origin
    description: str
    file: str
    sha256: str
    path: str = ""
    folder: str = ""
    columns: dict[str, str] = dataclasses.field(default_factory=dict)
    complete: Callable[[pd.DataFrame], pd.DataFrame] | None = None

    @property
    def url(self) -> str:
        """Where the file lies at its origin, ``""`` if only mirrors have it."""
        if not self.path:
            return ""
        return f"{RAW}/{self.origin.repository}/{self.origin.commit}/{self.path}"


def names() -> list[str]:
    """List the names that :func:`load` takes.

    Examples
    --------
    >>> "hoffmann_figure_4" in names()
    True
    """
    return sorted(TABLES)


def describe() -> pd.DataFrame:
    """Tell of every table what it is, its licence, its origin and its checksum.

    Examples
    --------
    >>> describe().loc["porian_isoflop", "licence"]
    'MIT'
    """
    rows = {
        name: {
            "description": table.description,
            "licence": table.origin.licence,
            "origin": f"https://github.com/{table.origin.repository}/tree/{table.origin.commit}",
            "url": table.url,
            "sha256": table.sha256,
        }
        for name, table in sorted(TABLES.items())
    }
    return pd.DataFrame.from_dict(rows, orient="index")


def find(name: str) -> Table:
    """Give the table's description by name.

    Raises
    ------
    KeyError
        Unknown name; the message lists the known.
    """
    if name not in TABLES:
        raise KeyError(f"no published table {name!r}; known are: {', '.join(names())}")
    return TABLES[name]


def load(name: str) -> pd.DataFrame:
    """Read a published table, from the mirror if there is one, else from its origin.

    Parameters
    ----------
    name
        One of :func:`names`.

    Returns
    -------
    pandas.DataFrame
        The table, with the package's names for columns that mean the same: ``N``, ``N_total``,
        ``D``, ``C``, ``L``, ``B`` (tokens). All other columns keep the names of the origin.

    Raises
    ------
    KeyError
        Unknown name.
    FileNotFoundError
        The mirror lacks the file, or the file has no address and no mirror is set.
    ConnectionError
        The origin cannot be reached.
    ValueError
        The file is not the one that was published: its checksum differs.
    """
    table = find(name)
    mirror = os.environ.get(MIRROR)
    path = _from_mirror(name, table, Path(mirror)) if mirror else _from_origin(name, table)
    frame = pd.read_csv(path).rename(columns={old: new for new, old in table.columns.items()})
    return table.complete(frame) if table.complete else frame


def at_hand(name: str) -> bool:
    """Tell whether :func:`load` gives the table without a download: from the mirror, or fetched before.

    Raises
    ------
    KeyError
        Unknown name.
    """
    table = find(name)
    mirror = os.environ.get(MIRROR)
    if mirror:
        return (Path(mirror) / _folder(table) / table.file).is_file()
    return bool(table.url) and (pooch.os_cache("scalinglab") / _kept(table)).is_file()


def _folder(table: Table) -> str:
    """The table's folder in a mirror."""
    return (table.folder or table.origin.repository).replace("/", "+")


def _kept(table: Table) -> str:
    """The name under which a fetched file is kept."""
    return f"{table.sha256[:12]}-{table.file}"


def _from_mirror(name: str, table: Table, mirror: Path) -> Path:
    path = mirror / _folder(table) / table.file
    if not path.is_file():
        raise FileNotFoundError(
            f"{name}: {path} is not there; complete the mirror that {MIRROR} names, or unset the variable"
        )
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != table.sha256:
        raise ValueError(f"{name}: {path} has sha256 {found}, published is {table.sha256}; copy it anew")
    return path


def _from_origin(name: str, table: Table) -> str:
    if not table.url:
        raise FileNotFoundError(
            f"{name}: the file is a flattening of other formats at github.com/{table.origin.repository} "
            f"and has no address of its own; set {MIRROR} to a folder that holds it"
        )
    pooch.get_logger().setLevel("WARNING")  # an executed chapter shows no download messages
    try:
        return pooch.retrieve(
            table.url,
            known_hash=f"sha256:{table.sha256}",
            fname=_kept(table),
            path=pooch.os_cache("scalinglab"),
        )
    except OSError as error:
        raise ConnectionError(
            f"{name}: {table.url} cannot be reached ({type(error).__name__}); "
            f"connect, or set {MIRROR} to a folder that holds {table.file}"
        ) from error
    except ValueError as error:
        raise ValueError(f"{name}: what {table.url} sent is not what was published ({error})") from error


def _hoffmann(frame: pd.DataFrame) -> pd.DataFrame:
    """Tokens from FLOPs: the figure has size, colour (loss) and FLOPs of each run."""
    return frame.assign(D=frame["C"] / (6 * frame["N_total"]))


def _step_law(frame: pd.DataFrame) -> pd.DataFrame:
    """Batch in tokens: the file counts sequences of 2048."""
    return frame.assign(B=2048.0 * frame["bs"], N=frame["N"].astype(float), D=frame["D"].astype(float))


def _unique(frame: pd.DataFrame) -> pd.DataFrame:
    """Unique tokens: ``tokens_per_epoch`` says the same in every row of the file and is wrong."""
    return frame.assign(U=frame["D"] / frame["epochs"])


def _floats(frame: pd.DataFrame) -> pd.DataFrame:
    """Counts as floats: ``6 N D`` of the largest runs does not fit into 64-bit integers."""
    return frame.assign(**{name: frame[name].astype(float) for name in ("N", "N_total", "D")})


_EPOCH = Origin(
    repository="epoch-research/analyzing-chinchilla",
    commit="92258837425e1b5f2851d624287f0120583a3d0e",
    licence="none stated",
)
_STEP_LAW = Origin(
    repository="step-law/steplaw",
    commit="32a8f4cc50247695fb56cc6c9117abdf67c97763",
    licence="none stated",
)
_GADRE = Origin(
    repository="mlfoundations/scaling",
    commit="a003c4913793ac2ae7ef87b28ecb562955d026d5",
    licence="MIT",
)
_PORIAN = Origin(
    repository="formll/resolving-scaling-law-discrepancies",
    commit="0dc60d91b8a525858a3067fc9e4a46ff5374cc6f",
    licence="MIT",
)
_COLPRET = Origin(
    repository="IBM/ColPret",
    commit="16f23bbe054277ddc4afd07a972dd7cfbe3f48c3",
    licence="MIT; the measurements of datablations Apache-2.0",
)
_ROUTING = Origin(
    repository="google-deepmind/scaling_laws_for_routing",
    commit="42da0c392b127df2c01fa7b705f72396050d05e5",
    licence="CC BY 4.0",
)
_OBSERVED = Origin(
    repository="ryoungj/ObsScaling",
    commit="4d6e1e43fd2635d04654aa77d1df9d5266ea0382",
    licence="Apache-2.0",
)
_MISFITTING = Origin(
    repository="hadasah/scaling_laws",
    commit="1f3708c0a12df0effb0ee906b1da5f9f0ff4f4f1",
    licence="none stated",
)
_MISFITTING_COLUMNS = {
    "N_total": "N",
    "N": "N_no_emb",
    "L": "C4 Eval Loss",
    "C_6ND": "C_6ND_no_emb",
    "C_6ND_total": "C_6ND",
}
_OPEN_ATHENA = Origin(
    repository="Open-Athena/scaling-law-analysis",
    commit="3e0656ee3dce1a2c89aa67691920f5eb9d30f0fc",
    licence="none stated",
)
_OPEN_ATHENA_COLUMNS = {"N_total": "params", "D": "tokens", "L": "loss"}
_NANOGPT = Origin(
    repository="karpathy/nanoGPT",
    commit="3adf61e154c3fe3fca428ad6bc3818b27a3b8291",
    licence="MIT",
)

TABLES: dict[str, Table] = {
    "hoffmann_figure_4": Table(
        origin=_EPOCH,
        description="Chinchilla's runs, read from Hoffmann et al. 2022, figure 4, by Besiroglu et al. 2024 "
        "(arXiv:2404.10102): 245 runs; they fit all but the five of highest loss",
        path="data/svg_extracted_data.csv",
        file="svg_extracted_data.csv",
        sha256="193478df4e90f040016431996c45682659306840ecdadf83cfb9cd5ca0aa1b30",
        columns={"N_total": "Model Size", "C": "Training FLOP", "L": "loss"},
        complete=_hoffmann,
    ),
    "step_law_dense": Table(
        origin=_STEP_LAW,
        description="Learning rate against batch of dense models, Li et al. 2025 (arXiv:2503.04715): "
        "1911 runs in 17 cells of (N, D), some diverged; L is the smoothed last training loss",
        path="data/dense_lr_bs_loss.csv",
        file="dense_lr_bs_loss.csv",
        sha256="9e46181076c04d450294d75dfe6f72adc416e231e154a07b337e378f9410002c",
        columns={"L": "smooth loss"},
        complete=_step_law,
    ),
    "step_law_moe": Table(
        origin=_STEP_LAW,
        description="Learning rate against batch of mixtures of experts, Li et al. 2025 (arXiv:2503.04715): "
        "708 runs; Na counts active parameters",
        path="data/moe_lr_bs_loss.csv",
        file="moe_lr_bs_loss.csv",
        sha256="653d585244a7b227423007e8b796bc16d76f6d24eb87b1919b8f048a91897b92",
        columns={"L": "smooth loss"},
        complete=_step_law,
    ),
    "step_law_fits": Table(
        origin=_STEP_LAW,
        description="The 1000 resampled fits of Step Law's authors (arXiv:2503.04715)",
        path="data/1004_fitted_lr_bs_scaling_model_parameters.csv",
        file="1004_fitted_lr_bs_scaling_model_parameters.csv",
        sha256="2252afbba5530e6ba6167e8101bd2b9082a018a58cb5922cc8672891a7f4336c",
    ),
    "gadre_models": Table(
        origin=_GADRE,
        description="Over-training, Gadre et al. 2024 (arXiv:2403.08540): 104 models, three training sets, "
        "losses on eight held-out sets",
        file="models.csv",
        sha256="5bcc0a45d4bf16cf8d4a350b357dc0972a3008ab1e15cd508b5f0cab9f9d7156",
        columns={"N_total": "params", "N": "params_no_embed", "D": "tokens", "L": "loss_c4_val"},
        complete=_floats,
    ),
    "gadre_evals": Table(
        origin=_GADRE,
        description="Accuracy of the models of gadre_models on 46 tasks; join on name",
        file="evals.csv",
        sha256="c39da257a83169c3b9cd5c22dcbed2070e872d33447fcf3a14862724a1b0a84d",
    ),
    "gadre_tasks": Table(
        origin=_GADRE,
        description="Kind, shots and random baseline of the tasks of gadre_evals",
        path="exp_data/eval_metadata.csv",
        file="eval_metadata.csv",
        sha256="8cd5243244a6890c8cec31cf7752901131f1da479b3c4920e37eb65ad608089c",
    ),
    "porian_isoflop": Table(
        origin=_PORIAN,
        description="From Kaplan to Chinchilla in steps, Porian et al. 2024 (arXiv:2406.19146): 1164 points "
        "at fixed budgets on RefinedWeb; count says what N and C hold",
        file="isoflop_points_rw.csv",
        sha256="43b180de8411f41ce41b687083577fd1b360b7440aab9d0b221618317d2d2c34",
        columns={"N": "n", "D": "t", "C": "flops", "L": "loss"},
    ),
    "porian_optima": Table(
        origin=_PORIAN,
        description="The authors' interpolated optima of porian_isoflop, with their deviations",
        file="optimal_pairs_rw.csv",
        sha256="a9b6c465f352a41994ba3cd0fb7216a9bbfd13b6e0601dc68c50d00fd5041d88",
        columns={"N": "n", "D": "t", "C": "flops", "L": "loss"},
    ),
    "porian_fits": Table(
        origin=_PORIAN,
        description="The authors' power laws through porian_optima, with bootstrap intervals",
        file="fit_results_rw.csv",
        sha256="b7e9fb72426f644522f773407106635841e8d679a163ea6585ab028a3497d740",
    ),
    "muennighoff": Table(
        origin=_COLPRET,
        description="Repeated data, Muennighoff et al. 2023 (arXiv:2305.16264): final losses of 229 models; "
        "U is D / epochs",
        path="aggregated_eval/datablations_contour_losses.csv",
        file="datablations_contour_losses.csv",
        sha256="1241bdf3732b4f65d455c796951dce7b18b898d64709f86013914573035f8a5b",
        columns={"N": "num_params", "D": "token_num", "C_6ND": "flops", "L": "openLM_loss"},
        complete=_unique,
    ),
    "muennighoff_code": Table(
        origin=_COLPRET,
        description="Code mixed into the text, Muennighoff et al. 2023 (arXiv:2305.16264): training curves",
        path="aggregated_eval/datablations_code_losses.csv",
        file="datablations_code_losses.csv",
        sha256="6e93a1d6842c0699f0492450e433733f706f3c7db6a4385d4c571f6b4aaf257e",
        columns={"D": "token_num", "L": "loss"},
    ),
    "opt_curves": Table(
        origin=_COLPRET,
        description="Training curves of the OPT models; num_token and flops are decimal logarithms",
        path="aggregated_eval/opt_trajectories.csv",
        file="opt_trajectories.csv",
        sha256="c3a53ccc7a412f0caff4179ce484acf1c2aab36b25677473658f094362449ff5",
    ),
    "alabdulmohsin_language": Table(
        description="Learning curves split in a part to fit (Training 1) and a part to predict (0), "
        "Alabdulmohsin et al. 2022 (arXiv:2209.06640)",
        # Published by google-research; the copy in ColPret is the one whose checksum was taken.
        origin=dataclasses.replace(_COLPRET, licence="CC BY 4.0"),
        path="aggregated_eval/revisiting_lang.csv",
        folder="google-research/google-research",
        file="benchmark.lang.csv",
        sha256="63c346db00a66b692e1ea9a0f71a2f2b267e55f74be5b863a92e199dffbf0983",
        columns={"L": "Loss"},
    ),
    "clark_routing": Table(
        origin=_ROUTING,
        description="Losses on six sets of dense and routed models, 15 M to 1.3 B parameters, "
        "Clark et al. 2022 (arXiv:2202.01169)",
        path="data/curves.csv.gz",
        file="curves.csv.gz",
        sha256="c03e7531add85e594f368d33bac4a0220280be858a7ed12d147cf73af6a3819f",
        columns={"N": "dense_parameter_count", "N_total": "total_parameter_count", "L": "loss_validation"},
    ),
    "ruan_benchmarks": Table(
        origin=_OBSERVED,
        description="Benchmark scores of public base models, Ruan et al. 2024 (arXiv:2405.10938)",
        path="eval_results/base_llm_benchmark_eval.csv",
        file="base_llm_benchmark_eval.csv",
        sha256="511996815735a4c46251dc585dcc525e370d148201f86561e6f927f9df2d0db8",
    ),
    "ruan_benchmarks_below_10b": Table(
        origin=_OBSERVED,
        description="Benchmark scores of public base models below 10 B, Ruan et al. 2024 (arXiv:2405.10938)",
        path="eval_results/base_llm_benchmark_eval_sub_10b.csv",
        file="base_llm_benchmark_eval_sub_10b.csv",
        sha256="6a5fe6143b1fd86c2c10368de05e204c89ab6652b0f7e97c4965c37bff360d1d",
    ),
    "ruan_emergent": Table(
        origin=_OBSERVED,
        description="Scores on tasks called emergent, Ruan et al. 2024 (arXiv:2405.10938)",
        path="eval_results/base_llm_emergent_capability_eval.csv",
        file="base_llm_emergent_capability_eval.csv",
        sha256="a156beee73c39b7833c3c53535c473939105512d85e90b0143be7325e516ef7c",
    ),
    "misfitting": Table(
        origin=_MISFITTING,
        description="Last checkpoints of 261 runs, 12 M to 1 B, Li, Kudugunta & Zettlemoyer 2025 "
        "(arXiv:2502.18969); several learning rates per cell: take the best",
        path="data/scaling_results_last_ckpt_only.csv",
        file="scaling_results_last_ckpt_only.csv",
        sha256="cd96b9eb8e5b2adc80e6739a642dd8554590edc96234d36859ab6ed0f5c30562",
        columns=_MISFITTING_COLUMNS,
    ),
    "misfitting_checkpoints": Table(
        origin=_MISFITTING,
        description="All 4852 checkpoints of the runs of misfitting",
        path="data/scaling_results.csv",
        file="scaling_results.csv",
        sha256="193b4b7665365112605417e2ef06d55efe599cfa08412354e3ae42c3af7a9f58",
        columns=_MISFITTING_COLUMNS,
    ),
    "chinchilla_isoflop": Table(
        origin=_OPEN_ATHENA,
        description="Chinchilla's points at fixed budgets, as read again by Apple (ml-scalefit)",
        path="data/isoflops/extract/ml_scalefit/isoflops.csv",
        file="isoflops_chinchilla_ml_scalefit.csv",
        sha256="e9eecba2c7f93050254e577b970495e3ef36db84a39f06fe220b576578e84199",
        columns=_OPEN_ATHENA_COLUMNS,
    ),
    "marin_isoflop": Table(
        origin=_OPEN_ATHENA,
        description="Marin's points at fixed budgets on three data sets, 3e18 to 3e20 FLOPs",
        path="data/isoflops/extract/marin_202603/isoflops.csv",
        file="isoflops_marin_202603.csv",
        sha256="f2c307ac8152f0df9b2be720bfc5958fdc54688de152e3294cec12da34cfa7f2",
        columns=_OPEN_ATHENA_COLUMNS,
    ),
    "chinchilla_shapes": Table(
        origin=_NANOGPT,
        description="Shapes of Chinchilla's 50 models, Hoffmann et al. 2022, table A9; params in millions",
        file="chinchilla_table_a9_models.csv",
        sha256="41c64cf9981ee8371600db54e6d47013b4d245a41fdadb2ed67b3e06cc5d154c",
    ),
    "chinchilla_tokens": Table(
        origin=_NANOGPT,
        description="Compute-optimal tokens by approaches 1 and 2, Hoffmann et al. 2022, tables 3 and A3",
        file="chinchilla_optimal_tokens.csv",
        sha256="8ab8d655ac50ddc08505f8306f2b2e5551df4cf0370a5d2a5758b2d45be92d33",
    ),
}
"""All published tables by name."""
