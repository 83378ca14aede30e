"""The addresses, one kind of thing a file."""

from __future__ import annotations

from untrained.studio.routes import about, batches, jobs, page, pictures, results

ROUTERS = (
    about.router, pictures.router, jobs.router, batches.router, results.router, results.several,
    page.router,
)  # fmt: skip
