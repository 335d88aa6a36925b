"""Settings: declared once as models, read from `sluice.toml` and `SLUICE_…` variables, checked before use.

Defaults, the JSON schema, `sluice config show` and `docs/settings.md` all come from the models in `models`.
"""

from gateway.settings.loader import Loaded, load, load_settings
from gateway.settings.models import Settings
from gateway.settings.policies import build_policies, check_risks
from gateway.settings.problems import Problem, SettingsError
from gateway.settings.serving import Serving, require_serving

__all__ = [
    "Loaded",
    "Problem",
    "Serving",
    "Settings",
    "SettingsError",
    "build_policies",
    "check_risks",
    "load",
    "load_settings",
    "require_serving",
]
