"""pyhf workspaces: the schema, what its parts mean together, parameters with pyhf's defaults, and the reader."""

from eventfit.io.pyhf.reading import Workspace, read_workspace

__all__ = ["Workspace", "read_workspace"]
