"""People in the administration: users and groups with their grants, roles, and what somebody may do and why."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.db.models import ForeignKey, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from batchconsole.console.administration.fields import ChecklistField
from batchconsole.console.administration.rows import PlainFields, RowAdmin
from batchconsole.jobs.access import administrable, grants_of, rights_on
from batchconsole.jobs.models import Connection, Grant, Right, Role

# Whoever changes these makes himself anything; it takes a superuser.
FOR_SUPERUSERS = ("is_staff", "is_superuser", "groups", "user_permissions")
# By these one becomes the person: a mail to another address sets the password, and names are what providers go by.
IDENTITY = ("username", "email", "is_active")


class GrantInline(PlainFields, admin.TabularInline):  # type: ignore[type-arg] # generic only in django-stubs, not at run time
    """The grants of a user or a group: of those, the ones on connections that the person may administer."""

    model = Grant
    fields = ("role", "connection")
    extra = 0

    def get_queryset(self, request: HttpRequest) -> QuerySet[Grant]:
        rows: QuerySet[Grant] = super().get_queryset(request)
        user: Any = request.user
        return rows if user.is_superuser else rows.filter(connection__in=administrable(user))

    def formfield_for_foreignkey(self, db_field: ForeignKey[Any], request: Any, **kwargs: Any) -> Any:
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if db_field.name == "connection" and field is not None:
            field.queryset = administrable(request.user)
            field.required = not request.user.has_perm(Right.ADMINISTER)
            field.empty_label = None if field.required else "All connections"
        return field


class UserAdmin(PlainFields, DjangoUserAdmin):  # type: ignore[type-arg] # generic only in django-stubs, not at run time
    inlines = (GrantInline,)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.rights_view)
        return [path("<int:pk>/rights/", view, name="auth_user_rights"), *super().get_urls()]

    def get_inlines(self, request: HttpRequest, obj: User | None = None) -> Any:
        return self.inlines if obj else ()  # the page that adds an account asks for a name and a password alone

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        sets = super().get_fieldsets(request, obj)
        return [*sets, ("Access", {"fields": ("rights",)})] if obj else sets

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        fields = (*super().get_readonly_fields(request, obj), "rights")
        if request.user.is_superuser:
            return fields
        return (*fields, *FOR_SUPERUSERS, *(IDENTITY if obj and _has_more(obj, request.user) else ()))

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        """Refuse the password of somebody with rights that the person at the form lacks, who would gain them so."""
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

    @admin.display(description="Rights")
    def rights(self, user: User) -> str:
        return format_html(
            '<a href="{}">What may this person do?</a>', reverse("admin:auth_user_rights", args=[user.pk])
        )

    def rights_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Each right of a person on each connection, and what gives it."""
        person = self.get_object(request, str(pk))
        if person is None:
            raise Http404("There is no such user.")
        if not self.has_view_permission(request, person):
            raise PermissionDenied
        viewer: Any = request.user
        rows = rights_of(person, administrable(viewer))
        context = {"person": person, "rows": rows, "rights": Right, "title": f"What {person} may do"}
        return render(request, "admin/rights.html", self.admin_site.each_context(request) | context)


def _may_touch(request: HttpRequest, user: User | None) -> bool:
    """Staff must not set the password of somebody who may do more."""
    return request.user.is_superuser or user is None or not (user.is_superuser or user.is_staff)


def _has_more(person: User, viewer: Any) -> bool:
    """Whether *person*, active or not, is granted a right somewhere that *viewer* lacks there."""
    if viewer.is_superuser:
        return False
    granted = grants_of(person).values_list("connection", "role__rights")
    known = {each.pk: each for each in Connection.objects.all()}
    return any(not rights_on(viewer, known[pk] if pk else None).issuperset(rights) for pk, rights in granted)


def rights_of(person: User, connections: Iterable[Connection]) -> list[tuple[Connection, list[list[str]]]]:
    """Each connection with what gives *person* each right there; nothing for a right that is not given."""
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

    def get_readonly_fields(self, request: HttpRequest, obj: Group | None = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        return fields if request.user.is_superuser else (*fields, "permissions")


class RoleForm(forms.ModelForm):  # type: ignore[type-arg] # generic only in django-stubs, not at run time
    """A role's rights as boxes, each with what it covers."""

    rights = ChecklistField(choices=[(right.value, f"{right.value}: {right.label}") for right in Right])


@admin.register(Role)
class RoleAdmin(RowAdmin):
    """Roles beside the shipped ones, which each start makes what this version says they are.

    A role may be granted on any connection, so changing one takes the right to administer all of them.
    """

    form = RoleForm
    list_display = ("name", "rights_text", "is_shipped")

    @admin.display(description="Rights")
    def rights_text(self, role: Role) -> str:
        return ", ".join(role.rights)

    def has_change_permission(self, request: HttpRequest, obj: Role | None = None) -> bool:
        return _may_change_role(request, obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Role | None = None) -> bool:
        return _may_change_role(request, obj) and super().has_delete_permission(request, obj)


def _may_change_role(request: HttpRequest, role: Role | None) -> bool:
    return not (role and role.is_shipped) and request.user.has_perm(Right.ADMINISTER)


for model, of in ((User, UserAdmin), (Group, GroupAdmin)):
    admin.site.unregister(model)
    admin.site.register(model, of)
