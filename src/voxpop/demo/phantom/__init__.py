"""Phantom patients: anatomy drawn from a seed, painted into a CT volume, blurred and made noisy."""

from voxpop.demo.phantom.acquisition import Geometry, Quality, acquire
from voxpop.demo.phantom.anatomy import LEVELS, Body, Traits, Vertebra, draw_body

__all__ = ["LEVELS", "Body", "Geometry", "Quality", "Traits", "Vertebra", "acquire", "draw_body"]
