"""`python -m launcher.demo_service PORT`: what `up` does, for the demo's data folder, which `up` itself refuses."""

import os
import sys

from launcher.main import ending
from launcher.project import data_folder, this_project
from launcher.up import serve, service


def main(port: str) -> int:
    """Serve the folder in CROSSFOOT_HOME."""
    project = this_project()
    folder = data_folder(project, os.environ)
    return serve(service(project, folder, os.environ, port=int(port), workers=2))


if __name__ == "__main__":
    sys.exit(ending(lambda: main(sys.argv[1]), as_json=False))
