"""Simulated fluoroscopy images and matching line drawings, computed from one 3D model of the spine.

X-rays follow the Beer–Lambert law. Marker positions are model points projected like everything else. Nothing here may
change the committed images: ``manage.py render_fluoroscopy --check`` compares them with the model.
"""
