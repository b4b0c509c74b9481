"""Publishing: what every model in memory has in common, whatever it answers: it can be put on the Hugging Face Hub."""

from typing import TYPE_CHECKING

from elman.model.file import Artifact

if TYPE_CHECKING:  # the first answer of a model that does not write does without
    from elman.model.writer import Writer


class Published:
    """A model that can be published.

    Attributes:
        artifact: the record of the model.
    """

    artifact: "Artifact | Writer"

    def push_to_hub(
        self,
        address: str,
        *,
        license: str | None = None,
        private: bool = False,
        token: str | None = None,
        message: str | None = None,
    ) -> str:
        """Publish the model with its card on the Hugging Face Hub, and return its address with the commit.

        Args:
            address: ``hf://owner/name``; the repository is created if it does not exist.
            license: its licence, by the identifier of the Hub, such as ``apache-2.0``; None: the card says that it is
                unknown.
            private: whether a repository that is created is private.
            token: of an account that may write; the one that ``hf auth login`` stored if None.
            message: of the commit.

        Raises:
            SettingError: the address or the licence is invalid.
            HubError: the Hub refuses or cannot be reached.
            MissingExtraError: the package huggingface_hub is not installed.
        """
        from elman.model.hub import push_artifact

        return push_artifact(self.artifact, address, license=license, private=private, token=token, message=message)
