"""The plugin of napari: a layer is restored into a new one that lies over it.

napari finds `napari.yaml` by the package's entry point, and imports the widget when it is opened.
"""
