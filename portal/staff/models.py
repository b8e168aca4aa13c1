"""Who signs in: the clinic's editors, reviewers and managers. Patients never do."""

from django.contrib.auth.models import AbstractUser


class User(AbstractUser):
    """A member of staff. Ours from the start, because replacing Django's own model later is a migration trap."""

    def __str__(self) -> str:
        return self.get_full_name() or self.username
