/* The block in the editor: a choice of the form, and the form as visitors see it. */
( function ( blocks, element, components, editor, i18n, ServerSideRender ) {
	'use strict';
	var create = element.createElement;

	blocks.registerBlockType( 'nurture/form', {
		edit: function ( props ) {
			var choice = create( components.SelectControl, {
				label: i18n.__( 'Form', 'nurture-signups' ),
				value: props.attributes.form,
				options: window.nurtureForms,
				onChange: function ( form ) {
					props.setAttributes( { form: form } );
				}
			} );
			return create(
				'div',
				editor.useBlockProps(),
				create( editor.InspectorControls, {}, create( components.PanelBody, {}, choice ) ),
				create( components.Disabled, {}, create( ServerSideRender, {
					block: 'nurture/form',
					attributes: props.attributes
				} ) )
			);
		},
		save: function () {
			return null;
		}
	} );
}( window.wp.blocks, window.wp.element, window.wp.components, window.wp.blockEditor, window.wp.i18n, window.wp.serverSideRender ) );
