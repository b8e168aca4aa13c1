"""Kill a process during uploads: ``python -m tests.bench.kill_uploads [--rounds 30]``.

Each round starts a process that uploads one image after another into a temporary data folder, and kills it with SIGKILL
at a random moment. Afterward, every figure with a row must be complete, all its renditions must be decodable, every
upload reported as saved must exist, and all leftovers must be found by ``delete_unused_media``. Exits with 1 at the
first violation.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time

from tests.bench.kill_publish import ROOT, run

WORK = """
import io, itertools, os
from django.db import transaction
from PIL import Image
from tests.factories import make_user
from procedures.admin.figure_forms import generate_slug, save_figure
from procedures.figures.decoding import decode_image
from procedures.figures.renditions import rollback_files
from procedures.figures.renditions import store_image
from procedures.models import Figure, FigureText
user = make_user("ed")
print("ready", flush=True)
for number in itertools.count():
    stream = io.BytesIO()
    Image.frombytes("L", (600, 400), os.urandom(240_000)).save(stream, "JPEG")
    figure = Figure(kind="other", provenance="simulated", deidentified=True)
    with rollback_files():
        renditions = store_image(figure, decode_image(stream.getvalue()))
        with transaction.atomic():
            figure.slug = generate_slug(f"Picture {number}")
            save_figure(figure, renditions, uploaded_by=user)
            FigureText.objects.create(figure=figure, language="en", title=figure.slug, alt="Grain.", caption="Grain.")
    print("kept", figure.slug, flush=True)
"""
LOOK = """
import datetime, sys
from django.core.files.storage import default_storage
from PIL import Image
from procedures.figures.approval import figure_files
from procedures.figures.renditions import delete_unused_files, find_unused_files
from procedures.models import Figure
saved = set(sys.argv[1:])
figures = list(Figure.objects.prefetch_related("renditions", "texts"))
assert saved <= {figure.slug for figure in figures}, "a saved figure is missing"
for figure in figures:
    assert figure.renditions.exists() and figure.texts.exists(), "a figure without renditions or texts"
    for name in figure_files(figure):
        with default_storage.open(name) as stream, Image.open(stream) as picture:
            picture.load()
unused = delete_unused_files(find_unused_files(older_than=datetime.timedelta(0)))
referenced = {name for figure in figures for name in figure_files(figure)}
stored = set(f"figures/{name}" for name in default_storage.listdir("figures")[1])
assert stored == referenced, f"unused files that were not found: {sorted(stored - referenced)}"
print(len(figures), len(unused))
"""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=30)
    rounds, left = parser.parse_args().rounds, 0
    with tempfile.TemporaryDirectory() as data:
        environ = {**os.environ, "PORTAL_DATA_DIR": data, "DJANGO_SETTINGS_MODULE": "portal.settings"}
        subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], env=environ, cwd=ROOT, check=True)
        pictures = "0"
        for number in range(rounds):
            worker = run(WORK, environ)
            assert worker.stdout and worker.stdout.readline() == "ready\n"
            time.sleep(random.uniform(0.02, 1.5))
            worker.kill()
            told = [line.split()[1] for line in worker.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
            worker.wait()
            look = run(LOOK, environ, arguments=told)
            seen, _ = look.communicate()
            if look.returncode:
                raise SystemExit(f"round {number + 1}: torn")
            pictures, swept = seen.split()
            left += int(swept)
    print(f"{rounds} kills, no inconsistent state; {pictures} pictures checked, {left} partial files cleaned up")


if __name__ == "__main__":
    main()
