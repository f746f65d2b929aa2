"""What a field is called where a page takes its name from the model, as the administration does."""

from django.db.models import Field, Model

SPELLED = {name.lower(): name for name in ("API", "ARN", "AWS", "ETag", "ID", "KMS", "S3", "URI", "URL", "USD", "VPC")}
SPELLED |= {f"{name.lower()}s": f"{name}s" for name in ("ARN", "ID", "URI", "URL")}


def spelled_name(name: str) -> str:
    """Return the label of a field called *name*: ``input_s3_uri`` is "input S3 URI", ``is_enabled`` is "enabled"."""
    return " ".join(SPELLED.get(word, word) for word in name.removeprefix("is_").split("_"))


def spell_field_names(model: type[Model]) -> None:
    """Give the fields of *model* that state no name of their own one in the field's usual spelling.

    Migrations do not see it: they keep the name that the model states, which is none.
    """
    for field in model._meta.get_fields():
        if isinstance(field, Field) and field._verbose_name is None:  # type: ignore[attr-defined] # as stated, private
            field.verbose_name = spelled_name(field.name)
