"""Users, groups and roles in the administration, with grants, and a page that explains each user's rights."""

from collections.abc import Iterable
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path

from batchconsole.console.administration import accounts
from batchconsole.console.administration.fields import ChecklistField, LinesField
from batchconsole.console.administration.grants import GrantInline
from batchconsole.console.administration.rows import PlainFields, RowAdmin
from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.kit.errors import sentences
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.models import Connection, Event, Grant, Right, Role, base_model_id
from batchconsole.jobs.rights.access import administrable, grants_of, rights_on
from batchconsole.jobs.rights.api_keys import revoke_all_keys

# Only superusers may change these fields: they can give a user any right.
FOR_SUPERUSERS = ("is_staff", "is_superuser", "groups", "user_permissions")
# Staff may not change these for users with more rights than their own: a mail to a new address could set the password.
IDENTITY = ("username", "email", "is_active")


# The actions by name, with the labels of their buttons. All but ``activate`` and ``factors`` need an active account.
ACTS = {
    "mail": "Send invite",
    "link": "Make invite link",
    "sign-out": "Sign out everywhere",
    "keys": "Revoke all keys",
    "factors": "Remove second factors",
    "deactivate": "Deactivate",
    "activate": "Activate",
}
NAMED_IN_AUDIT = (
    "The audit trail names {}. To take the account out of use, deactivate it instead: its keys end at once."
)
PERMITTED = ("auth", "jobs")  # apps whose permissions the page of a user offers


class UserAdmin(PlainFields, DjangoUserAdmin):  # type: ignore[type-arg] # generic only in django-stubs, not at run time
    inlines = (GrantInline,)
    list_display = ("username", "full_name", "email", "is_active", "is_staff", "is_superuser", "last_login")
    list_filter = ("is_active", "is_staff", "is_superuser", "groups", "grants__role")
    filter_horizontal = ()
    readonly_fields = ("last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("username", "first_name", "last_name", "email", "password")}),
        ("Groups", {"fields": ("groups",)}),
        ("Administration", {"fields": ("is_active", "is_staff", "is_superuser")}),
        ("Permissions of staff in the administration", {"fields": ("user_permissions",), "classes": ("collapse",)}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )

    @admin.display(description="Name")
    def full_name(self, user: User) -> str:
        return user.get_full_name()

    def get_urls(self) -> list[URLPattern]:
        rights = self.admin_site.admin_view(self.rights_view)
        act = self.admin_site.admin_view(self.act_view)
        return [
            path("<int:pk>/rights/", rights, name="auth_user_rights"),
            path("<int:pk>/do/<slug:act>/", act, name="auth_user_act"),
            *super().get_urls(),
        ]

    def get_inlines(self, request: HttpRequest, obj: User | None = None) -> Any:
        return self.inlines if obj else ()  # the page that adds a user asks for name and password only

    def formfield_for_manytomany(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        kwargs["widget"] = forms.CheckboxSelectMultiple
        field = super().formfield_for_manytomany(db_field, request, **kwargs)
        if field is not None and db_field.name == "user_permissions":
            rows: Any = field.queryset
            field.queryset = rows.filter(content_type__app_label__in=PERMITTED)
        if field is not None:
            field.help_text = ""
        return field

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        if request.user.is_superuser:
            return fields
        return (*fields, *FOR_SUPERUSERS, *(IDENTITY if obj and _has_more(obj, request.user) else ()))

    def save_model(self, request: Any, obj: User, form: Any, change: bool) -> None:
        """Save the user; if this deactivates the account, end its sessions and revoke its API keys."""
        super().save_model(request, obj, form, change)
        if change and "is_active" in form.changed_data and not obj.is_active:
            accounts.deactivate(request, obj, request.user)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        """Raise PermissionDenied if the user *id* has rights that the signed-in user lacks and could gain this way."""
        person = self.get_object(request, id)
        if person is not None and _has_more(person, request.user):
            raise PermissionDenied
        response: HttpResponse = super().user_change_password(request, id, form_url)
        return response

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return _may_touch(request, obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        may_touch = _may_touch(request, obj) and not (obj and _has_more(obj, request.user))
        return may_touch and super().has_delete_permission(request, obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Report what is deleted with the users; those whom the audit trail names are protected, with advice."""
        kept = [NAMED_IN_AUDIT.format(person) for person in objs if Event.objects.filter(actor=person).exists()]
        return ([], {}, set(), kept) if kept else super().get_deleted_objects(objs, request)

    def rights_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show each right of a user on each connection, and what gives it."""
        person = self._person(request, pk)
        context = rights_context(person, request.user) | {"title": f"What {person} may do"}
        return render(request, "admin/rights.html", self.admin_site.each_context(request) | context)

    def _person(self, request: HttpRequest, pk: int) -> User:
        person: User | None = self.get_object(request, str(pk))
        if person is None:
            raise Http404("There is no such user.")
        if not self.has_view_permission(request, person):
            raise PermissionDenied
        return person

    def act_view(self, request: ConsoleRequest, pk: int, act: str) -> HttpResponse:
        """Do one of :data:`ACTS`, with the checks for setting a password, because an invite lets its holder set one."""
        person = self._person(request, pk)
        if act not in ACTS:
            raise Http404("There is no such action.")
        if not self.has_change_permission(request, person) or _has_more(person, request.user):
            raise PermissionDenied
        if request.method == "POST":
            try:
                messages.success(request, self._act(request, person, act))
            except UserError as error:
                messages.error(request, sentences(error))
        return redirect("admin:auth_user_change", pk)

    def _act(self, request: ConsoleRequest, person: User, act: str) -> str:
        """Perform the action and return a sentence about its outcome."""
        if act == "link":
            link = accounts.invitation(request, person)
            days = accounts.link_days()
            return f"Pass this link on to {person}. It sets a password, once and within {days} days: {link}"
        if act == "mail":
            accounts.send_invitation(request, person)
            return f"The invite was sent to {person.email}."
        if act == "sign-out":
            return f"{person} is signed out of {_counted(accounts.end_sessions(request, person), 'session')}."
        if act == "keys":
            return f"Revoked {_counted(revoke_all_keys(person, request.user), 'key')} of {person}."
        if act == "factors":
            return f"Removed {_counted(accounts.remove_factors(request, person), 'second factor')} of {person}."
        accounts.activate(person) if act == "activate" else accounts.deactivate(request, person, request.user)
        return f"{person} is {act}d."

    def render_change_form(self, request: Any, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        person = kwargs.get("obj")
        if person:
            may_act = self.has_change_permission(request, person) and not _has_more(person, request.user)
            context |= rights_context(person, request.user) | {
                "acts": acts_for(person) if may_act else [],
                "sessions": UserSession.objects.filter(user=person).order_by("-last_seen_at"),
                "keys": person.api_keys.prefetch_related("connections"),
                "factors": Authenticator.objects.filter(user=person),
            }
        return super().render_change_form(request, context, *args, **kwargs)


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def acts_for(person: User) -> list[tuple[str, str]]:
    names = [name for name in ACTS if name != "activate"] if person.is_active else ["factors", "activate"]
    return [(name, ACTS[name]) for name in names if name != "mail" or (settings.EMAIL_HOST and person.email)]


def rights_context(person: User, viewer: Any) -> dict[str, Any]:
    """Return the context of the rights table: *person*'s rights on the connections that *viewer* may administer."""
    return {"person": person, "rows": rights_of(person, administrable(viewer)), "rights": Right}


def _may_touch(request: HttpRequest, user: User | None) -> bool:
    """Whether the signed-in user may change *user*: only superusers may change superusers and staff."""
    return request.user.is_superuser or user is None or not (user.is_superuser or user.is_staff)


def _has_more(person: User, viewer: Any) -> bool:
    """Whether *person*, active or not, has a right on some connection that *viewer* lacks there."""
    if viewer.is_superuser:
        return False
    granted = grants_of(person).values_list("connection", "role__rights")
    known = {each.pk: each for each in Connection.objects.all()}
    return any(not rights_on(viewer, known[pk] if pk else None).issuperset(rights) for pk, rights in granted)


def rights_of(person: User, connections: Iterable[Connection]) -> list[tuple[Connection, list[list[str]]]]:
    """Return each connection with one list of reasons per right; the list is empty if *person* lacks the right."""
    grants = list(grants_of(person)) if person.is_active else []
    return [(each, [list(_reasons(person, grants, each, right)) for right in Right]) for each in connections]


def _reasons(person: User, grants: list[Grant], connection: Connection, right: Right) -> Iterable[str]:
    if person.is_superuser and person.is_active:
        yield "superuser"
    for grant in grants:
        if right in grant.role.rights and grant.connection_id in (None, connection.pk):
            where = "all connections" if grant.connection_id is None else "this connection"
            yield f"{grant.role} on {where}{f', through the group {grant.group}' if grant.group else ''}"


class GroupAdmin(PlainFields, DjangoGroupAdmin):
    inlines = (GrantInline,)
    fields = ("name",)
    filter_horizontal = ()


MODELS = "One on a line, without ARN and geography; * stands for anything, as in amazon.nova-*."


def check_models(models: list[str]) -> None:
    """Raise ValidationError for an entry that is not a bare model ID: it has a space, an ARN or a geography prefix."""
    for each in models:
        if " " in each or base_model_id(each) != each:
            raise forms.ValidationError(f"{each} is not a model's own ID. Enter {base_model_id(each)} instead.")


class RoleForm(forms.ModelForm):  # type: ignore[type-arg] # generic only in django-stubs, not at run time
    """A role, with its rights as checkboxes that describe what each covers."""

    rights = ChecklistField(choices=[(right.value, f"{right.value}: {right.label}") for right in Right])
    model_ids = LinesField(
        check=check_models, label="Models", help_text=f"{MODELS} Those that jobs may use. Empty: any model."
    )


@admin.register(Role)
class RoleAdmin(RowAdmin):
    """Roles. The shipped ones are read-only: each migration resets them to this version's definitions.

    A role may be granted on any connection, so changing one requires the right to administer all of them.
    """

    form = RoleForm
    list_display = ("name", "rights_text", "models_text", "is_shipped")

    @admin.display(description="Rights")
    def rights_text(self, role: Role) -> str:
        return ", ".join(role.rights)

    @admin.display(description="Models")
    def models_text(self, role: Role) -> str:
        return ", ".join(role.model_ids) or "any"

    def get_fields(self, request: HttpRequest, obj: Role | None = None) -> Any:
        is_changed = obj is None or self.has_change_permission(request, obj)
        return super().get_fields(request, obj) if is_changed else ("name", "rights_text", "models_text")

    def has_change_permission(self, request: HttpRequest, obj: Role | None = None) -> bool:
        return _may_change_role(request, obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Role | None = None) -> bool:
        return _may_change_role(request, obj) and super().has_delete_permission(request, obj)


def _may_change_role(request: HttpRequest, role: Role | None) -> bool:
    return not (role and role.is_shipped) and request.user.has_perm(Right.ADMINISTER)


for model, of in ((User, UserAdmin), (Group, GroupAdmin)):
    admin.site.unregister(model)
    admin.site.register(model, of)
