"""Other programs' files: pyhf workspaces become likelihoods of ours."""

from eventfit.io.pyhf import Workspace, read_workspace

__all__ = ["Workspace", "read_workspace"]
