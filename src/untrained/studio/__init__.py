"""The studio: a local web server that restores pictures in a queue and lets a fit be watched.

    browser ── HTTP, events ──▶ app, routes ──▶ queue (SQLite) ──▶ worker (a process) ──▶ runs

The server never fits: workers do, each a process of its own that takes jobs from the queue, so a
closed tab changes nothing and a killed server loses nothing.
"""
