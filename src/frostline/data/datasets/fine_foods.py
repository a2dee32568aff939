"""Amazon Fine Foods: reviews of food, labelled with whether they have five stars."""

from __future__ import annotations

from collections.abc import Mapping

from frostline.data.corpus import Labelled, RawData
from frostline.data.datasets.r_database import Column, read_data_frames
from frostline.data.downloads.package_cache import Deb, folder, is_cached

PIN = Deb(
    package="r-cran-modeldata",
    version="1.1.0-1",
    file="r-cran-modeldata_1.1.0-1_all.deb",
    sha256="66c2e08bb4bf695d972b1e72ea44d5af9ada3c42841793d3871017f7b896bf95",
    bytes=4253384,
)
INSIDE = "usr/lib/R/site-library/modeldata/data"
KEEP = ("Rdata.rdx", "Rdata.rdb")


class FineFoods:
    """Load the reviews of McAuley and Leskovec 2013 (arXiv:1303.4402), one for each product.

    Train and test are those of the R package modeldata.
    """

    multi_label = False

    def downloads(self) -> list[str]:
        return [] if is_cached(PIN, INSIDE, keep=KEEP) else [PIN.describe()]

    def load(self) -> RawData:
        database = folder(PIN, INSIDE, keep=KEEP)
        train, test = read_data_frames(database, "Rdata", ["training_data", "testing_data"])
        return RawData(train=_labelled(train), test=_labelled(test))


def _labelled(frame: Mapping[str, Column]) -> Labelled:
    return Labelled(frame["review"], frame["score"])
