"""Read everything from settings.ini, which nbdev reads too: there is one place for name, version and requirements."""
from configparser import ConfigParser
from pathlib import Path

from setuptools import find_packages, setup

config = ConfigParser()
config.read("settings.ini", encoding="utf-8")
s = config["DEFAULT"]
export = s["export_requirements"].split()
demo = export + s["demo_requirements"].split()

setup(
    name=s["lib_name"],
    version=s["version"],
    description=s["description"],
    long_description=Path("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    author=s["author"],
    url=s["git_url"],
    license="Apache-2.0",
    keywords=s["keywords"],
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Framework :: Jupyter",
        "Intended Audience :: Education",
        "Natural Language :: English",
        "Programming Language :: Python :: 3",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
    ],
    # so that `pip install -e` adds this folder to the path: `import hackbook` then works beside a clone of that name, too
    package_dir={"": "."},
    packages=find_packages(include=["hackbook", "hackbook.*"]),
    data_files=[("share/hackbook/tutorials", sorted(map(str, Path("nbs/tutorials").glob("*.ipynb"))))],
    package_data={"": ["*.pyi", "*.js", "*.css"]},
    python_requires=f">={s['min_python']}",
    install_requires=s["requirements"].split(),
    extras_require={"export": export, "demo": demo, "forecasting": s["forecasting_requirements"].split(), "sound": s["sound_requirements"].split(), "gpu": s["gpu_requirements"].split(), "dev": demo + s["dev_requirements"].split()},
    entry_points={
        "console_scripts": s["console_scripts"].split(),
        "nbdev": [f"{s['lib_name']}={s['lib_name']}._modidx:d"],
    },
)
