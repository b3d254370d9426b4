package main

import (
	"cmp"
	"go/types"
	"slices"
	"strings"
)

// printer collects the lines of one package.
type printer struct {
	pkg    *types.Package
	module string
	label  string
	lines  []string
}

// describe returns a line for each exported declaration of pkg, sorted.
func describe(pkg *goPackage) []string {
	p := &printer{pkg: pkg.types, module: pkg.Module.Path}
	p.label = cmp.Or(strings.TrimPrefix(strings.TrimPrefix(pkg.ImportPath, p.module), "/"), pkg.Name)
	scope := p.pkg.Scope()
	for _, name := range scope.Names() {
		if object := scope.Lookup(name); object.Exported() {
			p.object(object)
		}
	}
	slices.Sort(p.lines)
	return p.lines
}

func (p *printer) add(parts ...string) {
	p.lines = append(p.lines, "pkg "+p.label+", "+strings.Join(parts, ""))
}

func (p *printer) object(object types.Object) {
	switch o := object.(type) {
	case *types.Const:
		p.add("const ", o.Name(), p.constType(o), " = ", o.Val().ExactString())
	case *types.Var:
		p.add("var ", o.Name(), " ", p.text(o.Type()))
	case *types.Func:
		p.add("func ", o.Name(), p.signature(o))
	case *types.TypeName:
		p.typeName(o)
	}
}

func (p *printer) typeName(o *types.TypeName) {
	alias, ok := o.Type().(*types.Alias)
	if !ok {
		p.named(o.Name(), o.Type().(*types.Named))
		return
	}
	p.add("type ", o.Name(), p.typeParams(alias.TypeParams()), " = ", p.text(alias.Rhs()))
	// Users reach an internal type only through its alias, whose API it thus is.
	if named, ok := types.Unalias(alias).(*types.Named); ok && hidden(named) {
		p.named(o.Name(), named)
	}
}

func hidden(named *types.Named) bool {
	pkg := named.Obj().Pkg()
	return pkg != nil && hasElement(pkg.Path(), "internal")
}

// named describes a type with its fields and methods; name is what users call it.
func (p *printer) named(name string, named *types.Named) {
	head := "type " + name + p.typeParams(named.TypeParams()) + " "
	switch t := named.Underlying().(type) {
	case *types.Struct:
		p.add(head, "struct")
		p.fields(head+"struct, ", t)
	case *types.Interface:
		p.add(head, "interface")
		p.elements(head+"interface, ", t)
		return
	default:
		p.add(head, p.text(t))
	}
	p.methods(name+typeArguments(named.TypeParams()), named)
}

func (p *printer) fields(head string, t *types.Struct) {
	for field := range t.Fields() {
		switch {
		case field.Exported() && field.Embedded():
			p.add(head, "embedded ", p.text(field.Type()))
		case field.Exported():
			p.add(head, field.Name(), " ", p.text(field.Type()))
		case field.Embedded(): // its exported fields are promoted all the same
			if inner, ok := pointed(field.Type()).Underlying().(*types.Struct); ok {
				p.fields(head, inner)
			}
		}
	}
}

func pointed(t types.Type) types.Type {
	if pointer, ok := t.(*types.Pointer); ok {
		return pointer.Elem()
	}
	return t
}

func (p *printer) elements(head string, t *types.Interface) {
	closed := false
	for method := range t.Methods() { // those of embedded interfaces included
		if method.Exported() {
			p.add(head, method.Name(), p.signature(method))
		} else {
			closed = true
		}
	}
	if closed {
		p.add(head, "unexported methods") // only the package itself can implement it
	}
	for element := range t.EmbeddedTypes() {
		if _, ok := element.Underlying().(*types.Interface); !ok {
			p.add(head, p.text(element))
		}
	}
}

// methods leaves out those promoted from types of other modules, which change
// without ours: the line of the embedded field stands for them.
func (p *printer) methods(receiver string, named *types.Named) {
	ofValue := types.NewMethodSet(named)
	for selection := range types.NewMethodSet(types.NewPointer(named)).Methods() {
		method := selection.Obj().(*types.Func)
		if !method.Exported() || !p.ours(method.Pkg()) {
			continue
		}
		star := "*"
		if ofValue.Lookup(method.Pkg(), method.Name()) != nil {
			star = ""
		}
		p.add("method (", star, receiver, ") ", method.Name(), p.signature(method))
	}
}

func (p *printer) ours(pkg *types.Package) bool {
	return pkg != nil && (pkg.Path() == p.module || strings.HasPrefix(pkg.Path(), p.module+"/"))
}

// signature is the text of f's type behind its name.
func (p *printer) signature(f *types.Func) string {
	return strings.TrimPrefix(p.text(f.Type()), "func")
}

func (p *printer) constType(c *types.Const) string {
	if basic, ok := c.Type().(*types.Basic); ok && basic.Info()&types.IsUntyped != 0 {
		return ""
	}
	return " " + p.text(c.Type())
}

func (p *printer) typeParams(list *types.TypeParamList) string {
	return brackets(list, func(t *types.TypeParam) string { return t.Obj().Name() + " " + p.text(t.Constraint()) })
}

func typeArguments(list *types.TypeParamList) string {
	return brackets(list, func(t *types.TypeParam) string { return t.Obj().Name() })
}

func brackets(list *types.TypeParamList, text func(*types.TypeParam) string) string {
	if list.Len() == 0 {
		return ""
	}
	var parts []string
	for t := range list.TypeParams() {
		parts = append(parts, text(t))
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// text writes a type as code does: those of other packages with the package's name.
func (p *printer) text(t types.Type) string {
	return types.TypeString(t, func(other *types.Package) string {
		if other == p.pkg {
			return ""
		}
		return other.Name()
	})
}
