"""Names of the folders in which the runs of a study work, a folder for each stage."""


def folder_name(stage: str, run: str) -> str:
    """Name of the folder of a stage of a run."""
    return f"{stage}-{run}"
